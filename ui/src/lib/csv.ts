/** Rows of a text with separators: quotes may hold separators, line ends and doubled quotes. */

/**
 * @param whole Whether the text is all of the file; if not, the last row may be cut off and is left out.
 */
export function parseCsv(text: string, separator: string, whole = true): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = text.startsWith('\ufeff') ? 1 : 0
  const end = text.length
  while (at < end) {
    let cell: string
    if (text[at] === '"') {
      cell = ''
      at += 1
      for (;;) {
        const quote = text.indexOf('"', at)
        if (quote < 0) {
          cell += text.slice(at)
          at = end
          break
        }
        cell += text.slice(at, quote)
        at = quote + 1
        if (text[at] !== '"') break
        cell += '"'
        at += 1
      }
      const rest = plainEnd(text, at, separator)
      cell += text.slice(at, rest)
      at = rest
    } else {
      const rest = plainEnd(text, at, separator)
      cell = text.slice(at, rest)
      at = rest
    }
    row.push(cell)
    if (at >= end) break
    if (text[at] === separator) {
      at += 1
      if (at >= end) row.push('')
      continue
    }
    at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1
    rows.push(row)
    row = []
  }
  if (row.length && whole) rows.push(row)
  return rows.filter((one) => one.length > 1 || one[0] !== '')
}

function plainEnd(text: string, from: number, separator: string): number {
  let at = from
  while (at < text.length) {
    const c = text[at]
    if (c === separator || c === '\n' || c === '\r') return at
    at += 1
  }
  return at
}

/** Whether a column holds numbers: all cells that are not empty, and at least one. */
export function numeric(cells: Iterable<unknown>): boolean {
  let some = false
  for (const cell of cells) {
    if (cell === '' || cell === null || cell === undefined) continue
    if (typeof cell !== 'number' && !(typeof cell === 'string' && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(cell))) {
      if (!/^(nan|[-+]?inf(inity)?)$/i.test(String(cell))) return false
    }
    some = true
  }
  return some
}

/** For sorting: by number where the column is of numbers, what is empty always last. */
export function comparer(column: number, numbers: boolean, down: boolean): (a: readonly unknown[], b: readonly unknown[]) => number {
  const sign = down ? -1 : 1
  return (a, b) => {
    const [x, y] = [a[column], b[column]]
    const [noX, noY] = [blank(x, numbers), blank(y, numbers)]
    if (noX || noY) return Number(noX) - Number(noY)
    if (numbers) return sign * (Number(x) - Number(y))
    return sign * ORDER.compare(cellText(x), cellText(y))
  }
}

const ORDER = new Intl.Collator('en', { numeric: true })

function blank(value: unknown, numbers: boolean): boolean {
  return value === null || value === undefined || value === '' || (numbers && Number.isNaN(Number(value)))
}

/** A value as it is shown in a cell. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
