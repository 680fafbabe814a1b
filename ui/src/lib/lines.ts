/** Text by lines, and finding in it. */

/** Of a line, at most so many characters are drawn. */
export const WIDEST = 5000

/** Lines without their ends; a last one that is empty does not count. */
export function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Numbers of the lines in which a text occurs, capitals counting as small letters. */
export function finds(lines: readonly string[], wanted: string): number[] {
  if (wanted === '') return []
  const lower = wanted.toLowerCase()
  return lines.flatMap((line, i) => (line.toLowerCase().includes(lower) ? [i] : []))
}

/** A line in parts, every second one being what was looked for. */
export function marked(line: string, wanted: string): string[] {
  if (wanted === '') return [line]
  const [lower, low] = [line.toLowerCase(), wanted.toLowerCase()]
  if (lower.length !== line.length) return [line] // letters that change their length: no marks rather than wrong ones
  const parts: string[] = []
  let at = 0
  for (let found = lower.indexOf(low); found >= 0; found = lower.indexOf(low, at)) {
    parts.push(line.slice(at, found), line.slice(found, found + wanted.length))
    at = found + wanted.length
  }
  parts.push(line.slice(at))
  return parts
}

/** Bytes as text. What is not UTF-8 is taken for Latin-1; undefined if it is no text at all. */
export function decoded(bytes: Uint8Array, whole: boolean): { text: string; encoding: 'UTF-8' | 'Latin-1' } | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole }), encoding: 'UTF-8' }
  } catch {
    const control = bytes.subarray(0, 8192).filter((b) => b < 9 || (b > 13 && b < 32 && b !== 27)).length
    if (control > 0) return undefined
    return { text: new TextDecoder('latin1').decode(bytes), encoding: 'Latin-1' }
  }
}

/** The first bytes in hexadecimal, sixteen a line, with what they are as text. */
export function hex(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const digits = row.map((b) => b.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '·')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${digits.padEnd(47)}  ${text}`)
  }
  return lines.join('\n')
}
