// Who is signed in, for what is shown. What may be done the backend decides.
import { createContext, useContext } from 'react';

import type { Me, Role } from '@/types/access';

// Each may do what those before it may.
export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

export function may(me: Me | null, needed: Role): boolean {
  return me !== null && ROLES.indexOf(me.role) >= ROLES.indexOf(needed);
}

// Null until the backend has said it.
export const MeContext = createContext<Me | null>(null);

export function useMe(): Me | null {
  return useContext(MeContext);
}

export function useMay(needed: Role): boolean {
  return may(useMe(), needed);
}
