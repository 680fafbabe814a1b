/** The tree of files as the lines that are drawn of it. */
import { seriesOf, type Entry, type Series } from './artifacts'

export interface Line {
  /** Unlike any other's. */
  id: string
  kind: 'folder' | 'file' | 'series' | 'more'
  name: string
  /** What is opened: of a series, its first image. */
  path: string
  /** From 1. */
  level: number
  expanded?: boolean
  /** Bytes; undefined while not all of a folder is known. */
  size?: number
  /** Paths that it stands for. */
  paths?: readonly string[]
}

/** Of one folder, at most so many lines are drawn until more are asked for. */
export const MOST = 500

/**
 * @param inside What is in a folder, the root being ''; undefined while that is not known.
 * @param all Folders of which all is drawn, however much it is.
 */
export function linesOfTree(
  inside: (folder: string) => readonly Entry[] | undefined,
  open: ReadonlySet<string>,
  all: ReadonlySet<string>,
  folder = '',
  level = 1,
): Line[] {
  const entries = inside(folder)
  if (!entries) return []
  const { series, rest } = seriesOf(entries)
  const lines: Line[] = []
  const most = all.has(folder) ? Infinity : MOST
  for (const entry of rest.slice(0, most)) {
    if (entry.folder) {
      const expanded = open.has(entry.path)
      lines.push({ id: entry.path, kind: 'folder', name: entry.name, path: entry.path, level, expanded, size: sizeOf(inside, entry.path) })
      if (expanded) lines.push(...linesOfTree(inside, open, all, entry.path, level + 1))
    } else lines.push({ id: entry.path, kind: 'file', name: entry.name, path: entry.path, level, size: entry.size })
  }
  if (rest.length > most) lines.push({ id: `${folder}\0more`, kind: 'more', name: `${rest.length - most} more`, path: folder, level })
  lines.push(...series.map((one) => seriesLine(folder, one, level)))
  return lines
}

function seriesLine(folder: string, { key, frames }: Series, level: number): Line {
  const paths = frames.map((frame) => frame.entry.path)
  const bytes = frames.reduce((sum, frame) => sum + frame.entry.size, 0)
  return { id: `${folder}\0${key}`, kind: 'series', name: `${key} (${frames.length} ${frames.length === 1 ? 'step' : 'steps'})`, path: paths[0] ?? '', level, size: bytes, paths }
}

/** Bytes in a folder and all below it, if all of that is known. */
export function sizeOf(inside: (folder: string) => readonly Entry[] | undefined, folder: string): number | undefined {
  let sum = 0
  const entries = inside(folder)
  if (!entries) return undefined
  for (const entry of entries) {
    const own = entry.folder ? sizeOf(inside, entry.path) : entry.size
    if (own === undefined) return undefined
    sum += own
  }
  return sum
}

/** The line that the keys go to; undefined if the key does nothing here. `toggle` opens or closes the line itself. */
export function treeStep(lines: readonly Line[], at: number, key: string): { to: number } | { toggle: Line } | undefined {
  const line = lines[at]
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(lines.length - 1, at + 1) }
    case 'ArrowUp':
      return { to: Math.max(0, at - 1) }
    case 'Home':
      return { to: 0 }
    case 'End':
      return { to: lines.length - 1 }
    case 'ArrowRight':
      if (line?.kind !== 'folder') return undefined
      return line.expanded ? { to: Math.min(lines.length - 1, at + 1) } : { toggle: line }
    case 'ArrowLeft': {
      if (!line) return undefined
      if (line.kind === 'folder' && line.expanded) return { toggle: line }
      for (let i = at - 1; i >= 0; i--) if ((lines[i]?.level ?? 0) < line.level) return { to: i }
      return undefined
    }
  }
  return undefined
}
