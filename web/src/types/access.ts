// Who may do what, as REST tells it: docs/protocol.md section 1.
export type Role = 'viewer' | 'operator' | 'admin';

export interface Me {
  name: string;
  role: Role;
}

export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  createdBy: string;
  createdAt: string;
  lastUsedAt: string | null;
  revokedAt: string | null;
}

// Shown once.
export interface NewApiKey extends Me {
  id: string;
  key: string;
}

export interface Act {
  time: string;
  by: string;
  role: Role;
  address: string;
  method: string;
  path: string;
  status: number;
}
