import userEvent from '@testing-library/user-event';
import { vi } from 'vitest';

// The page as somebody finds it at an address. The session is read when the page is loaded; each test loads
// it anew.
export async function openPage(address: string, { signedIn = true } = {}) {
  if (signedIn) localStorage.setItem('octofleet.signed-in', 'yes');
  window.history.replaceState(null, '', address);
  vi.resetModules();
  const { renderPage } = await import('@/testing/render-page');
  renderPage();
  return userEvent.setup();
}
