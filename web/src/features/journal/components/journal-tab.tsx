import { Button, Group, NativeSelect, Skeleton, Text } from '@mantine/core';
import { useState } from 'react';

import { Problem } from '@/components/errors/problem';
import { Empty } from '@/components/ui/empty';
import { LogIcon, SearchIcon } from '@/components/ui/icons';
import { Panel } from '@/components/ui/panel';
import { SearchInput } from '@/components/ui/search-input';
import type { JournalEntry, Node } from '@/types/api';

import { useJournal } from '../api/journal';
import { type JournalFilter, NO_FILTER, PRIORITIES, SPANS } from '../journal-view';
import { JournalList } from './journal-list';
import classes from './journal-tab.module.css';

interface JournalTabProps {
  node: Node;
  filter: JournalFilter;
  onFilter: (filter: JournalFilter) => void;
}

// Lines at once, and at most: the backend gives no more in one answer.
const PAGE = 200;
const MOST = 1000;

export function JournalTab({ node, filter, onFilter }: JournalTabProps) {
  const [limit, setLimit] = useState(PAGE);
  const journal = useJournal(node.id, filter, limit);
  const change = (next: JournalFilter) => {
    setLimit(PAGE);
    onFilter(next);
  };
  const found = journal.data?.length ?? 0;
  const old = journal.isPlaceholderData;
  // There may be more; while it is being fetched, what is shown is of a lower limit.
  const full = found >= PAGE && (old || found >= limit);
  return (
    <Panel title="Journal" note="newest first" flush>
      <Filters
        filter={filter}
        onFilter={change}
        words={journal.data ? (full ? `the newest ${found}` : `${found} found`) : ''}
      />
      {journal.isPending ? <Skeleton height={160} /> : null}
      {journal.error && !journal.data ? (
        <Problem title="No journal" error={journal.error} onRetry={() => void journal.refetch()} />
      ) : null}
      {journal.data ? (
        <Lines
          entries={journal.data}
          old={old}
          filter={filter}
          onFilter={change}
          full={full}
          onMore={old ? () => {} : () => setLimit(Math.min(MOST, limit + PAGE))}
        />
      ) : null}
    </Panel>
  );
}

interface FiltersProps {
  filter: JournalFilter;
  onFilter: (filter: JournalFilter) => void;
  words: string;
}

function Filters({ filter, onFilter, words }: FiltersProps) {
  return (
    <search className={classes.filters}>
      <SearchInput
        className={classes.search}
        size="xs"
        label="Search messages"
        placeholder="Part of a message"
        value={filter.text}
        onChange={(text) => onFilter({ ...filter, text })}
      />
      <SearchInput
        className={classes.search}
        size="xs"
        label="Unit"
        placeholder="Unit, nginx.service"
        value={filter.unit}
        onChange={(unit) => onFilter({ ...filter, unit })}
      />
      <NativeSelect
        size="xs"
        aria-label="Priority"
        value={String(filter.priority)}
        onChange={(event) => onFilter({ ...filter, priority: Number(event.currentTarget.value) })}
        data={PRIORITIES.map(([value, label]) => ({ value: String(value), label }))}
      />
      <NativeSelect
        size="xs"
        aria-label="Time"
        value={String(filter.minutes)}
        onChange={(event) => onFilter({ ...filter, minutes: Number(event.currentTarget.value) })}
        data={SPANS.map(([value, label]) => ({ value: String(value), label }))}
      />
      <span className={classes.count} role="status">
        {words}
      </span>
    </search>
  );
}

interface LinesProps extends Omit<FiltersProps, 'words'> {
  entries: JournalEntry[];
  // Found with the search before.
  old: boolean;
  full: boolean;
  onMore: () => void;
}

function Lines({ entries, old, filter, onFilter, full, onMore }: LinesProps) {
  if (entries.length === 0) return <Nothing filter={filter} onFilter={onFilter} />;
  return (
    <>
      <JournalList entries={entries} old={old} onUnit={(unit) => onFilter({ ...filter, unit })} />
      {full ? (
        <Group justify="center" p="sm">
          {entries.length < MOST ? (
            <Button size="xs" variant="default" onClick={onMore}>
              Show more
            </Button>
          ) : (
            <Text size="sm" c="dimmed">
              These are {MOST} lines. To see older ones, narrow the search.
            </Text>
          )}
        </Group>
      ) : null}
    </>
  );
}

function Nothing({ filter, onFilter }: Pick<FiltersProps, 'filter' | 'onFilter'>) {
  const whole = { ...NO_FILTER, minutes: filter.minutes };
  const narrowed =
    filter.text.trim() !== '' || filter.unit.trim() !== '' || filter.priority !== whole.priority;
  if (narrowed) {
    return (
      <Empty icon={<SearchIcon size={26} />} title="No line matches">
        <Button size="xs" variant="default" onClick={() => onFilter(whole)}>
          Show all lines of this time
        </Button>
      </Empty>
    );
  }
  return (
    <Empty icon={<LogIcon size={26} />} title="No line of this time">
      A node sends its journal when agent.journal_enabled is true in its configuration, and of it
      what is a warning or more urgent unless agent.journal_priority says otherwise. Seven days are
      kept.
    </Empty>
  );
}
