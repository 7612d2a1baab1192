import { AccessPage } from '@/features/access/components/access-page';

export function AccessRoute() {
  return <AccessPage />;
}
