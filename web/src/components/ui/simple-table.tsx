import type { ReactNode } from 'react';

import classes from './simple-table.module.css';

interface SimpleTableProps {
  label: string;
  columns: string[];
  rows: { key: string; cells: ReactNode[] }[];
  // Columns of numbers, counted from 0.
  numeric?: number[];
}

// A small table that scrolls sideways by itself, by keyboard too, where the window is narrow.
export function SimpleTable({ label, columns, rows, numeric = [] }: SimpleTableProps) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={column} scope="col" data-numeric={numeric.includes(index) || undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              {row.cells.map((cell, index) => (
                <td key={columns[index]} data-numeric={numeric.includes(index) || undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
