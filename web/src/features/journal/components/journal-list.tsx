import { AlertIcon, InfoIcon } from '@/components/ui/icons';
import { OutsideText } from '@/components/ui/outside-text';
import { Pill, type Tone } from '@/components/ui/pill';
import { formatExact, formatStamp, revealInvisible } from '@/lib/format';
import type { JournalEntry } from '@/types/api';

import { priorityWords, writerOf } from '../journal-view';
import classes from './journal-list.module.css';

interface JournalListProps {
  entries: JournalEntry[];
  // Found with the search before.
  old: boolean;
  onUnit: (unit: string) => void;
}

const ERROR = 3;
const WARNING = 4;

function toneOf(priority: number): Tone {
  if (priority <= ERROR) return 'bad';
  return priority === WARNING ? 'wait' : 'quiet';
}

export function JournalList({ entries, old, onUnit }: JournalListProps) {
  return (
    <ul className={classes.list} aria-label="Journal lines" aria-busy={old}>
      {keyed(entries).map(([key, entry]) => (
        <li key={key} className={classes.row}>
          <time className={classes.time} dateTime={entry.time} title={formatExact(entry.time)}>
            {formatStamp(entry.time)}
          </time>
          <span className={classes.priority}>
            <Pill
              tone={toneOf(entry.priority)}
              icon={entry.priority <= WARNING ? <AlertIcon /> : <InfoIcon />}
            >
              {priorityWords(entry.priority)}
            </Pill>
          </span>
          <div className={classes.what}>
            <div className={classes.from}>
              {entry.unit ? (
                <button
                  type="button"
                  className={classes.unit}
                  aria-label={`Only lines of ${revealInvisible(entry.unit)}`}
                  onClick={() => onUnit(entry.unit)}
                >
                  <OutsideText text={entry.unit} />
                </button>
              ) : null}
              <OutsideText text={writerOf(entry)} fallback="" />
            </div>
            <div className={classes.message}>
              <OutsideText text={entry.message} fallback="(empty)" />
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

// A line has no id here: its content and, for lines that are the same, which of them it is.
function keyed(entries: JournalEntry[]): [key: string, entry: JournalEntry][] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const text = `${entry.time} ${entry.unit} ${entry.pid} ${entry.message}`;
    const nth = (seen.get(text) ?? 0) + 1;
    seen.set(text, nth);
    return [`${nth} ${text}`, entry];
  });
}
