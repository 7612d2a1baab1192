import { vi } from 'vitest';

import type { Act, ApiKey, Me } from '@/types/access';
import type {
  BootReport,
  CachedImage,
  Device,
  Image,
  Inventory,
  Job,
  JournalEntry,
  MetricSample,
  Node,
  Prepull,
  ShellSession,
  Task,
  WatchedUnit,
} from '@/types/api';

export interface Asked {
  method: string;
  path: string;
  // What stood behind the path, "?" and all.
  query: string;
  body: unknown;
}

type Answer = { status: number; body?: unknown };

// The backend's routes over a few lists. A test changes the lists, or answers a route itself.
export class FakeBackend {
  key = 'the-key';
  me: Me = { name: 'api-key-file', role: 'admin' };
  apiKeys: ApiKey[] = [];
  acts: Act[] = [];
  signedIn = true;
  reachable = true;
  nodes: Node[] = [];
  tasks: Task[] = [];
  boots: BootReport[] = [];
  images: Image[] = [];
  cachedImages: CachedImage[] = [];
  devices: Device[] = [];
  samples: MetricSample[] = [];
  jobs: Job[] = [];
  shells: ShellSession[] = [];
  inventory: Inventory | null = null;
  units: WatchedUnit[] = [];
  journal: JournalEntry[] = [];
  prepulls: Prepull[] = [];
  readonly asked: Asked[] = [];
  private readonly overrides = new Map<string, Answer>();

  install() {
    vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => this.fetch(path, init));
    return this;
  }

  // The next answers of "POST /api/v1/…".
  answer(route: string, answer: Answer) {
    this.overrides.set(route, answer);
  }

  bodies(route: string): unknown[] {
    return this.asked.filter((one) => `${one.method} ${one.path}` === route).map((one) => one.body);
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    if (!this.reachable) throw new TypeError('Failed to fetch');
    const path = url.split('?')[0] ?? url;
    const method = init.method ?? 'GET';
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.asked.push({ method, path, query: url.slice(path.length), body });
    const { status, body: answer } =
      this.overrides.get(`${method} ${path}`) ?? this.route(method, path, body);
    return new Response(answer === undefined ? null : JSON.stringify(answer), { status });
  }

  private route(method: string, path: string, body: unknown): Answer {
    if (path === '/api/v1/session') return this.session(method, body);
    if (!this.signedIn)
      return { status: 401, body: { title: 'Unauthorized', status: 401, detail: 'sign in first' } };
    const node = /^\/api\/v1\/nodes\/([^/]+)$/.exec(path);
    if (node) {
      const found = this.nodes.find((one) => one.id === node[1]);
      return found
        ? { status: 200, body: found }
        : { status: 404, body: { detail: 'there is no such node' } };
    }
    const job = /^\/api\/v1\/jobs\/([^/]+)$/.exec(path);
    if (job) {
      const found = this.jobs.find((one) => one.id === job[1]);
      return found
        ? { status: 200, body: found }
        : { status: 404, body: { detail: 'there is no such job' } };
    }
    if (method === 'POST') return { status: 202, body: { commandId: 'cmd-1' } };
    if (method === 'DELETE') return { status: 204 };
    if (path.endsWith('/inventory'))
      return this.inventory ? { status: 200, body: this.inventory } : { status: 404, body: {} };
    const lists: [string, object][] = [
      ['/api/v1/api-keys', { keys: this.apiKeys }],
      ['/api/v1/audit', { acts: this.acts }],
      ['/api/v1/nodes', { nodes: this.nodes }],
      ['/api/v1/provisioning/tasks', { tasks: this.tasks }],
      ['/api/v1/provisioning/images', { images: this.images }],
      ['/api/v1/provisioning/prepulls', { prepulls: this.prepulls }],
      ['/boots', { boots: this.boots }],
      ['/images', { images: this.cachedImages }],
      ['/devices', { devices: this.devices }],
      ['/network', { neighbours: [], dhcpServers: [], gateways: [] }],
      ['/shells', { shells: this.shells }],
      ['/units', { units: this.units }],
      ['/journal', { entries: this.journal }],
      ['/metrics', { samples: this.samples }],
      ['/api/v1/jobs', { jobs: this.jobs }],
    ];
    const list = lists.find(([ending]) => path.endsWith(ending));
    return list
      ? { status: 200, body: list[1] }
      : { status: 404, body: { detail: 'there is no such route' } };
  }

  private session(method: string, body: unknown): Answer {
    if (method === 'GET') return this.signedIn ? { status: 200, body: this.me } : { status: 401 };
    if (method === 'DELETE') {
      this.signedIn = false;
      return { status: 204 };
    }
    if ((body as { apiKey?: string }).apiKey !== this.key) {
      return {
        status: 401,
        body: {
          title: 'Unauthorized',
          status: 401,
          detail: 'this is not an API key, or it was revoked',
        },
      };
    }
    this.signedIn = true;
    return { status: 204 };
  }
}
