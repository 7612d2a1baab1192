// The command that makes a host a tentacle of this backend. Pure.

// One word for a POSIX shell, whatever is in it.
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function enrollCommand(backend: string, token: string, name: string): string {
  return [
    'octofleet-tentacle enroll',
    `--backend ${shellWord(backend)}`,
    `--token ${shellWord(token)}`,
    `--name ${shellWord(name)}`,
  ].join(' \\\n  ');
}

// A tentacle elsewhere cannot reach what this browser calls its own host.
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
