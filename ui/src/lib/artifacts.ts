/** What files are, by their names. */

export interface Entry {
  /** From the root of the run or model. */
  path: string
  name: string
  folder: boolean
  /** Bytes; 0 for folders. */
  size: number
}

export type Kind =
  | 'image' | 'svg' | 'csv' | 'tsv' | 'parquet' | 'json' | 'jsonl' | 'yaml' | 'markdown' | 'html' | 'pdf' | 'audio' | 'video'
  | 'model' | 'text' | 'binary' | 'unknown'

const KINDS: ReadonlyMap<string, Kind> = new Map(
  (
    [
      ['image', 'png jpg jpeg gif webp bmp ico avif apng'],
      ['svg', 'svg'],
      ['csv', 'csv'],
      ['tsv', 'tsv'],
      ['parquet', 'parquet pq'],
      ['json', 'json geojson ipynb'],
      ['jsonl', 'jsonl ndjson'],
      ['yaml', 'yaml yml'],
      ['markdown', 'md markdown'],
      ['html', 'html htm'],
      ['pdf', 'pdf'],
      ['audio', 'wav mp3 ogg oga flac m4a aac opus weba'],
      ['video', 'mp4 webm ogv mov m4v'],
      ['text', 'txt log py js ts sh sql r toml ini cfg conf env rst tex xml diff patch c h cpp rs go java dockerfile lock out err'],
      ['binary', 'bin pkl pickle pt pth ckpt safetensors onnx h5 hdf5 npy npz joblib skops gz zip tar zst xz bz2 7z so whl'],
    ] as const
  ).flatMap(([kind, ends]) => ends.split(' ').map((end): [string, Kind] => [end, kind])),
)

/** `unknown` where only the content can tell. */
export function kindOf(path: string): Kind {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === 'MLmodel') return 'model'
  const dot = name.lastIndexOf('.')
  return (dot > 0 ? KINDS.get(name.slice(dot + 1).toLowerCase()) : undefined) ?? 'unknown'
}

/** The bytes of the files themselves can be shown by the browser, and are not fetched by us. */
export function isMedia(kind: Kind): boolean {
  return kind === 'image' || kind === 'svg' || kind === 'audio' || kind === 'video'
}

const FIRST: readonly Kind[] = [
  'model', 'markdown', 'image', 'svg', 'csv', 'tsv', 'parquet', 'html', 'json', 'jsonl', 'yaml', 'text', 'pdf', 'video', 'audio', 'unknown',
]

/** The file that says the most: what is opened when nothing was asked for. */
export function first(entries: readonly Entry[]): Entry | undefined {
  let best: Entry | undefined
  let rank: number = FIRST.length
  for (const entry of entries) {
    if (entry.folder) continue
    const own = FIRST.indexOf(kindOf(entry.name))
    if (own >= 0 && own < rank) [best, rank] = [entry, own]
  }
  return best
}

const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** Folders first, then by name, numbers in names by size. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => Number(b.folder) - Number(a.folder) || NATURAL.compare(a.name, b.name))
}

/** An image of a series, as `log_image(key=…, step=…)` names it. */
export interface Logged {
  key: string
  step: number
  /** Milliseconds since the epoch. */
  timestamp: number
  /** A smaller twin of the image. */
  small: boolean
}

export function logged(name: string): Logged | undefined {
  const found = /^(.+)([+%])step\2(-?\d+)\2timestamp\2(\d+)\2[0-9a-f-]+(\2compressed)?\.\w+$/i.exec(name)
  if (!found) return undefined
  const [, key = '', , step, timestamp, small] = found
  return { key: key.replaceAll('#', '/'), step: Number(step), timestamp: Number(timestamp), small: small !== undefined }
}

export interface Series {
  key: string
  /** By step; without the smaller twins. */
  frames: { step: number; entry: Entry }[]
}

/** The series of images in a folder, and the rest of what is in it. */
export function seriesOf(entries: readonly Entry[]): { series: Series[]; rest: Entry[] } {
  const found = new Map<string, { step: number; timestamp: number; entry: Entry }[]>()
  const rest: Entry[] = []
  for (const entry of entries) {
    const one = entry.folder ? undefined : logged(entry.name)
    if (!one) rest.push(entry)
    else {
      const frames = found.get(one.key) ?? []
      if (!one.small) frames.push({ ...one, entry })
      found.set(one.key, frames)
    }
  }
  const series = [...found]
    .filter(([, frames]) => frames.length > 0)
    .map(([key, frames]) => ({ key, frames: frames.sort((a, b) => a.step - b.step || a.timestamp - b.timestamp) }))
  return { series: series.sort((a, b) => NATURAL.compare(a.key, b.key)), rest }
}

/** `a/b` of `a/b/c`; empty at the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** All folders above a path, outermost first, with the root: '', 'a', 'a/b' of 'a/b/c'. */
export function above(path: string): string[] {
  const steps = path.split('/').slice(0, -1)
  return ['', ...steps.map((_, i) => steps.slice(0, i + 1).join('/'))]
}

/** Where a relative link in a file leads; undefined if it leads elsewhere. */
export function linked(from: string, to: string): string | undefined {
  if (to === '' || /^([a-z][a-z0-9+.-]*:|\/|#|\?)/i.test(to)) return undefined
  const steps = folderOf(from).split('/').filter(Boolean)
  for (const step of to.split(/[?#]/)[0]?.split('/') ?? []) {
    if (step === '..') {
      if (steps.pop() === undefined) return undefined
    } else if (step !== '.' && step !== '') steps.push(unescaped(step))
  }
  return steps.join('/')
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}
