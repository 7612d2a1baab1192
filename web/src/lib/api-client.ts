// The one place that calls fetch.
import type { Problem } from '@/types/api';

// A backend that has not answered by then will not.
const ANSWER_WITHIN_MS = 20_000;

export class ApiError extends Error {
  // 0: there was no answer at all.
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.name = 'ApiError';
    this.status = status;
  }
}

export type ApiEvent = 'signed-out' | 'unreachable';
type Listener = (event: ApiEvent) => void;

const listeners = new Set<Listener>();

// Told when any request found the session over or the backend away. Returns how to stop listening.
export function onApiEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(event: ApiEvent) {
  for (const listener of listeners) listener(event);
}

async function sentenceOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as Problem;
    if (problem.detail) return problem.detail;
    if (problem.title) return problem.title;
  } catch {
    // Not a problem document: something between us and the backend answered.
  }
  return `The backend answered ${response.status}.`;
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch {
    tell('unreachable');
    throw new ApiError(0, 'The backend cannot be reached.');
  }
}

export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  const signsIn = method === 'POST' && path === '/api/v1/session';
  if (response.status === 401 && !signsIn) tell('signed-out');
  if (!response.ok) throw new ApiError(response.status, await sentenceOf(response));
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const get = <T>(path: string) => request<T>('GET', path);
export const post = <T>(path: string, body: unknown) => request<T>('POST', path, body);
export const del = (path: string) => request<void>('DELETE', path);

// "mac: is not a MAC address" -> ["mac", "is not a MAC address"]. The backend names the field first.
export function fieldOf(error: unknown): [field: string, sentence: string] | null {
  if (!(error instanceof ApiError)) return null;
  const match = /^([A-Za-z.]+): (.+)$/s.exec(error.message);
  return match?.[1] && match[2] ? [match[1], match[2]] : null;
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong.';
}
