/** What a virtual table shows of many rows and columns; all lengths in pixels. */

export interface Column {
  /** Unlike any other's. */
  id: string
  label: string
  width: number
  align?: 'start' | 'end'
  /** Stays at the left while the others scroll. Pinned columns come first. */
  pinned?: boolean
  sortable?: boolean
  /** Sorted downwards first: what one wants of accuracy, and of times. */
  down?: boolean
  /** Said when the head is hovered; else its label. */
  title?: string
  /** A small word beside the label, such as "max". */
  note?: string
  /** Shows how large a value is among the others: a bar, or how strong the background is. */
  shade?: 'bar' | 'heat'
  /** Its cells are drawn by the `cell` snippet; those of the others are text. */
  rich?: boolean
}

/** The first key counts most. */
export type Sort = readonly { id: string; down: boolean }[]

export interface Laid<C extends Column = Column> {
  column: C
  /** Its place among all columns. */
  at: number
  /** Where it begins: within the pinned part, or within the rest. */
  left: number
}

export interface Layout<C extends Column = Column> {
  pinned: Laid<C>[]
  rest: Laid<C>[]
  pinnedWidth: number
  restWidth: number
}

export const MIN_WIDTH = 44
export const MAX_WIDTH = 1200

/** Browsers do not scroll further than some 33 million pixels; beyond this, a pixel stands for more than one. */
export const MAX_HEIGHT = 15_000_000

/** Where columns lie. The pinned ones begin at `indent`. */
export function layout<C extends Column>(columns: readonly C[], indent = 0): Layout<C> {
  const found: Layout<C> = { pinned: [], rest: [], pinnedWidth: indent, restWidth: 0 }
  for (const column of columns) if (column.pinned) {
    found.pinned.push({ column, at: found.pinned.length, left: found.pinnedWidth })
    found.pinnedWidth += column.width
  }
  for (const column of columns) if (!column.pinned) {
    found.rest.push({ column, at: found.pinned.length + found.rest.length, left: found.restWidth })
    found.restWidth += column.width
  }
  return found
}

/** Those of the columns that a window from `left`, `width` wide, shows, and one more on each side. */
export function columnsIn<C extends Column>(rest: readonly Laid<C>[], left: number, width: number): readonly Laid<C>[] {
  const first = Math.max(0, after(rest, left) - 2)
  const last = after(rest, left + width)
  return first === 0 && last + 1 >= rest.length ? rest : rest.slice(first, last + 1)
}

/** How many columns begin at `x` or before. */
function after(rest: readonly Laid[], x: number): number {
  let low = 0
  let high = rest.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rest[middle]?.left ?? 0) <= x) low = middle + 1
    else high = middle
  }
  return low
}

/** The scrolled height of `total` rows, and what a scroll position means in them. */
export class Heights {
  /** Of all rows as they are drawn; at most MAX_HEIGHT. */
  readonly drawn: number
  readonly #stretch: number

  constructor(
    readonly total: number,
    readonly row: number,
    /** Of the window on the rows. */
    readonly view: number,
    most = MAX_HEIGHT,
  ) {
    const real = total * row
    this.drawn = Math.min(real, most)
    this.#stretch = this.drawn < real ? (real - view) / Math.max(1, this.drawn - view) : 1
  }

  /** A pixel is a pixel: rows stay where they are while scrolled. */
  get still(): boolean {
    return this.#stretch === 1
  }

  /** How far down among all rows a scroll position is. */
  down(top: number): number {
    return top * this.#stretch
  }

  /** The scroll position for being so far down. */
  top(down: number): number {
    return down / this.#stretch
  }

  /** Where row `i` is drawn while scrolled to `top`. */
  at(i: number, top: number): number {
    return this.still ? i * this.row : top + i * this.row - this.down(top)
  }

  /** The first row of the window. */
  first(top: number): number {
    return Math.max(0, Math.min(this.total - 1, Math.floor(this.down(top) / this.row)))
  }

  /** The scroll position that shows row `i`, as near to `top` as can be. */
  showing(i: number, top: number): number {
    const down = this.down(top)
    if (i * this.row < down) return this.top(i * this.row)
    const least = (i + 1) * this.row - this.view
    return least > down ? this.top(least) : top
  }
}

/** The row that slot `slot` of `slots` shows when the first row drawn is `first`: rows keep their slots while scrolled. */
export function rowOf(slot: number, slots: number, first: number): number {
  const turn = first % slots
  return first - turn + slot + (slot < turn ? slots : 0)
}

/** Sorting by a column: its good direction first, then the other, then not at all. */
export function sortedBy(sort: Sort, column: Column, add: boolean): Sort {
  const old = sort.find((key) => key.id === column.id)
  const down = column.down ?? false
  const next = old === undefined ? { id: column.id, down } : old.down === down ? { id: column.id, down: !down } : undefined
  if (!add) return next ? [next] : []
  if (!old) return next ? [...sort, next] : sort
  return sort.flatMap((key) => (key.id !== column.id ? [key] : next ? [next] : []))
}

/** `ids` with `id` moved to where `to` is. */
export function movedTo(ids: readonly string[], id: string, to: string): string[] {
  const from = ids.indexOf(id)
  const at = ids.indexOf(to)
  if (from < 0 || at < 0) return [...ids]
  const left = ids.filter((one) => one !== id)
  left.splice(at, 0, id)
  return left
}

export interface Cell {
  /** -1 for the head. */
  row: number
  column: number
}

/** Where a key leads from a cell; undefined if it is none that moves. */
export function stepped(key: string, control: boolean, from: Cell, rows: number, columns: number, page: number): Cell | undefined {
  const to = { ...from }
  switch (key) {
    case 'ArrowUp': to.row -= 1; break
    case 'ArrowDown': to.row += 1; break
    case 'ArrowLeft': to.column -= 1; break
    case 'ArrowRight': to.column += 1; break
    case 'PageUp': to.row = Math.max(0, to.row - page); break
    case 'PageDown': to.row += page; break
    case 'Home': control ? (to.row = 0) : (to.column = 0); break
    case 'End': control ? (to.row = rows - 1) : (to.column = columns - 1); break
    default: return undefined
  }
  return {
    row: Math.max(-1, Math.min(rows - 1, to.row)),
    column: Math.max(0, Math.min(columns - 1, to.column)),
  }
}
