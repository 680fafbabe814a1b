/** What cells of the table of runs say. */
import { asked, type RunColumn } from '../../lib/columns'
import { ago, duration, full, short, zoned } from '../../lib/format'
import { numeric, type Cell } from '../../lib/runs'
import { clock } from '../../state/clock.svelte'
import { nameOf } from '../../state/experiments.svelte'
import type { RunRow } from './rows.svelte'

/** The value in a cell, as rows are ordered by it. */
export function valueOf(row: RunRow, column: Pick<RunColumn, 'kind' | 'key'>): Cell {
  if (column.kind !== 'fact') return row.values[asked(column) ?? '']
  switch (column.key) {
    case 'state': return row.status
    case 'name': return row.name
    case 'created': return row.start
    case 'ended': return row.end
    case 'duration': return row.start && (row.end || row.status === 'RUNNING') ? (row.end || Date.now()) - row.start : undefined
    case 'user': return row.user
    case 'experiment': return nameOf(row.experiment)
    case 'id': return row.id
    default: return row.values[asked(column) ?? '']
  }
}

/** What it says, short. */
export function textOf(row: RunRow, column: RunColumn): string {
  const value = valueOf(row, column)
  if (value === null || value === undefined) return ''
  if (column.kind === 'fact') {
    if (column.key === 'created' || column.key === 'ended') return ago(value as number, clock.now)
    if (column.key === 'duration') return duration(row.end ? (value as number) : clock.now - (row.start ?? 0))
    if (column.key === 'state') return row.status.charAt(0) + row.status.slice(1).toLowerCase()
    if (column.key === 'commit') return String(value).slice(0, 8)
    if (column.key === 'source') return String(value).split('/').at(-1) ?? ''
    if (column.key === 'models' || column.key === 'children') return value === 0 ? '' : String(value)
    return typeof value === 'object' ? value.join(', ') : String(value)
  }
  if (column.kind === 'params' || column.kind === 'tags') return String(value).slice(0, 300)
  return short(numeric(value))
}

/** All that it says, as it is shown on hovering and copied. */
export function wholeOf(row: RunRow, column: RunColumn): string {
  const value = valueOf(row, column)
  if (value === null || value === undefined) return ''
  if (column.kind === 'fact') {
    if (column.key === 'created' || column.key === 'ended') return zoned(value as number)
    if (column.key === 'duration') return duration(value as number)
    if (column.key === 'state') return textOf(row, column)
    return typeof value === 'object' ? value.join('\n') : String(value)
  }
  if (column.kind === 'params' || column.kind === 'tags') return String(value)
  const step = row.values[`step.${column.key}`]
  const at = column.kind === 'metrics' && typeof step === 'number' ? ` at step ${step}` : ''
  return full(numeric(value)) + at
}
