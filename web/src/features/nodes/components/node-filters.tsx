import { SegmentedControl } from '@mantine/core';

import { SearchInput } from '@/components/ui/search-input';

import type { KindFilter, NodeFilter, OnlineFilter } from '../node-view';
import classes from './node-filters.module.css';

interface NodeFiltersProps {
  filter: NodeFilter;
  onChange: (filter: NodeFilter) => void;
}

export function NodeFilters({ filter, onChange }: NodeFiltersProps) {
  return (
    <search className={classes.filters}>
      <SegmentedControl
        size="sm"
        aria-label="Kind"
        value={filter.kind}
        onChange={(kind) => onChange({ ...filter, kind: kind as KindFilter })}
        data={[
          { value: 'all', label: 'All nodes' },
          { value: 'tentacles', label: 'Tentacles' },
        ]}
      />
      <SegmentedControl
        size="sm"
        aria-label="State"
        value={filter.online}
        onChange={(online) => onChange({ ...filter, online: online as OnlineFilter })}
        data={[
          { value: 'any', label: 'Any state' },
          { value: 'online', label: 'Online' },
          { value: 'offline', label: 'Offline' },
        ]}
      />
      <SearchInput
        className={classes.search}
        label="Search"
        placeholder="Name, address, MAC, system"
        value={filter.search}
        onChange={(search) => onChange({ ...filter, search })}
      />
    </search>
  );
}
