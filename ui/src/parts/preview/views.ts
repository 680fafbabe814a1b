/** In which manners a file can be shown; the first is the one it opens with. */
import type { Kind } from '../../lib/artifacts'

export type ViewId = 'picture' | 'page' | 'model' | 'table' | 'tree' | 'rendered' | 'source' | 'bytes' | 'media'

export interface View {
  id: ViewId
  word: string
}

const SOURCE: View = { id: 'source', word: 'Source' }

const VIEWS: Partial<Record<Kind, readonly View[]>> = {
  image: [{ id: 'picture', word: 'Image' }],
  svg: [{ id: 'picture', word: 'Image' }, { id: 'page', word: 'Page' }, SOURCE],
  csv: [{ id: 'table', word: 'Table' }, SOURCE],
  tsv: [{ id: 'table', word: 'Table' }, SOURCE],
  parquet: [{ id: 'table', word: 'Table' }],
  json: [{ id: 'tree', word: 'Tree' }, SOURCE],
  jsonl: [{ id: 'tree', word: 'Tree' }, SOURCE],
  yaml: [{ id: 'tree', word: 'Tree' }, SOURCE],
  markdown: [{ id: 'rendered', word: 'Text' }, SOURCE],
  html: [{ id: 'page', word: 'Page' }, SOURCE],
  pdf: [{ id: 'page', word: 'Page' }],
  model: [{ id: 'model', word: 'Model' }, { id: 'tree', word: 'Tree' }, SOURCE],
  audio: [{ id: 'media', word: 'Sound' }],
  video: [{ id: 'media', word: 'Film' }],
  binary: [{ id: 'bytes', word: 'Bytes' }],
}

export function viewsOf(kind: Kind): readonly View[] {
  return VIEWS[kind] ?? [SOURCE]
}
