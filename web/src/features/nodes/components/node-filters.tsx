import { SegmentedControl, TextInput } from '@mantine/core';

import { SearchIcon } from '@/components/ui/icons';

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
      <TextInput
        className={classes.search}
        type="search"
        aria-label="Search"
        placeholder="Name, address, MAC, system"
        leftSection={<SearchIcon size={16} />}
        value={filter.search}
        onChange={(event) => onChange({ ...filter, search: event.currentTarget.value })}
      />
    </search>
  );
}
