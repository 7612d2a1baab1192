import type { ReactNode } from 'react';

import { useMay } from '@/lib/role';
import type { Role } from '@/types/access';

// What only some may do is not shown to the others.
export function ForRole({ role, children }: { role: Role; children: ReactNode }) {
  return useMay(role) ? children : null;
}
