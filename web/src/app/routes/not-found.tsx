import { Anchor } from '@mantine/core';
import { Link } from 'react-router';

import { Empty } from '@/components/ui/empty';
import { SearchIcon } from '@/components/ui/icons';

export function NotFoundRoute() {
  return (
    <Empty icon={<SearchIcon size={26} />} title="There is no such page">
      <Anchor component={Link} to="/nodes">
        To the nodes
      </Anchor>
    </Empty>
  );
}
