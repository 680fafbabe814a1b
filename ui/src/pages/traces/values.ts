/** What cells of the table of traces say. */
import { gist } from '../../lib/chat'
import { ago, count, duration, zoned } from '../../lib/format'
import { costText, spanTime } from '../../lib/trace'
import type { TraceColumn } from '../../lib/traces'
import { clock } from '../../state/clock.svelte'
import type { TraceRow } from './rows.svelte'

/** What it says, short. */
export function textOf(row: TraceRow, { id }: TraceColumn): string {
  switch (id) {
    case 'time': return ago(row.time, clock.now)
    case 'request': return gist(row.request, 'user')
    case 'response': return gist(row.response, 'assistant')
    case 'duration': return row.duration === undefined ? '' : spanTime(row.duration, duration)
    case 'tokens': return row.tokens === undefined ? '' : count(row.tokens)
    case 'cost': return costText(row.cost)
    case 'session': return row.session
    case 'user': return row.user
    case 'tags': return Object.entries(row.tags).map(([key, value]) => `${key}: ${value}`).join(', ')
    case 'run': return row.run.slice(0, 8)
    case 'id': return row.id
    default: return ''
  }
}

/** All that it says, as it is shown on hovering and copied. */
export function wholeOf(row: TraceRow, column: TraceColumn): string {
  switch (column.id) {
    case 'time': return zoned(row.time)
    case 'request': return row.request
    case 'response': return row.response
    case 'name': return row.name
    case 'run': return row.run
    case 'assessments': return row.assessments.map((one) => `${one.name}: ${one.value || 'error'}`).join('\n')
    default: return textOf(row, column)
  }
}
