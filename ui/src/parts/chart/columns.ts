/** Values of runs, for panels that show one for each run. */
import type { ColumnInfo } from '../../lib/panels'
import type { Cell } from '../../lib/scale'

export interface Values {
  columns: readonly ColumnInfo[]
  /** Of a column, one for each run, in the order of the runs; none while they are on their way. */
  of: (column: string) => readonly Cell[]
}
