import { expect, it } from 'vitest';

import { enrollCommand, isLoopback, shellWord } from './enroll-command';

it('a name cannot leave its word of the shell', () => {
  expect(shellWord('berlin-1')).toBe('berlin-1');
  expect(shellWord("Karl's $(reboot)")).toBe(`'Karl'\\''s $(reboot)'`);
  expect(shellWord('')).toBe("''");
});

it('the command names backend, token and name', () => {
  expect(enrollCommand('https://octofleet.corp.local', 'abc', 'Berlin Office')).toBe(
    "octofleet-tentacle enroll \\\n  --backend https://octofleet.corp.local \\\n  --token abc \\\n  --name 'Berlin Office'",
  );
});

it('a loopback address is known as one', () => {
  expect(['localhost', '127.0.0.1', '127.1.2.3', '[::1]'].every(isLoopback)).toBe(true);
  expect(['octofleet.corp.local', '10.0.0.1', 'localhost.example.org'].some(isLoopback)).toBe(
    false,
  );
});
