import type { Run } from '../../lib/run'
import type { RunTab } from '../../route'
import type { RunEdits } from './edits.svelte'

/** What each tab of a run is given. */
export interface TabProps {
  run: Run
  edits: RunEdits
  /** Grows when there are new points. */
  fresh: number
  tab: RunTab
  /** Of an artifact. */
  path: string
  /** How many there are, when that is known. */
  children: number | undefined
}
