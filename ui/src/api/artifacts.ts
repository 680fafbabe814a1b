/** Files of runs and of logged models. */
import { inOrder, type Entry } from '../lib/artifacts'
import { send, urlOf } from './client'

/** Whose files they are. */
export type Source = { run_id: string } | { model_id: string }

/** Bytes that are fetched of a file without being asked for. */
export const UNASKED = 256_000

export interface Listing {
  /** URI of the root of the run or model. */
  root: string
  entries: Entry[]
}

interface Listed {
  root_uri?: string
  files?: { path: string; is_dir: boolean; file_size?: number }[]
}

export async function list(source: Source, path: string, signal?: AbortSignal): Promise<Listing> {
  const url =
    'run_id' in source
      ? urlOf('ajax-api/2.0/mlflow/artifacts/list', { run_id: source.run_id, path: path || undefined })
      : urlOf(`ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(source.model_id)}/artifacts/directories`, {
          artifact_directory_path: path || undefined,
        })
  const said = (await (await send(url, { signal })).json()) as Listed
  const entries = (said.files ?? []).map((file) => ({
    path: file.path,
    name: file.path.slice(file.path.lastIndexOf('/') + 1),
    folder: file.is_dir,
    size: file.file_size ?? 0,
  }))
  return { root: said.root_uri ?? '', entries: inOrder(entries) }
}

/** The bytes of a file, as an attachment. */
export function fileUrl(source: Source, path: string): string {
  if ('run_id' in source) return urlOf('get-artifact', { run_uuid: source.run_id, path })
  return urlOf(`ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(source.model_id)}/artifacts/files`, { artifact_file_path: path })
}

/** A page of the author's own, in a sandbox; with scripts only if that is asked for. */
export function viewUrl(source: Source, path: string, scripts: boolean): string {
  return urlOf('ajax-api/ui/artifacts/view', { ...source, path, scripts: scripts || undefined })
}

/** A folder as a zip. */
export function zipUrl(source: Source, path: string): string {
  return urlOf('ajax-api/ui/artifacts/zip', { ...source, path: path || undefined })
}

/** As the SDK names it: `runs:/…` or `models:/…`. */
export function uriOf(source: Source, path: string): string {
  const root = 'run_id' in source ? `runs:/${source.run_id}` : `models:/${source.model_id}`
  return path ? `${root}/${path}` : root
}

export interface Piece {
  bytes: Uint8Array<ArrayBuffer>
  /** Of the whole file. */
  size: number
}

/** A part of a file: `last` and the first byte count from 0; the end of the file if `last` is left out. */
export async function piece(source: Source, path: string, start: number, last: number | undefined, signal?: AbortSignal): Promise<Piece> {
  const response = await send(fileUrl(source, path), { signal, cache: 'no-store', headers: { Range: `bytes=${start}-${last ?? ''}` } })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const size = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1]
  return { bytes, size: size === undefined ? bytes.length : Number(size) }
}

/** The first bytes of a file whose size is known. */
export async function head(source: Source, path: string, bytes: number, size: number, signal?: AbortSignal): Promise<Piece> {
  if (size === 0) return { bytes: new Uint8Array(), size }
  return piece(source, path, 0, Math.min(bytes, size) - 1, signal)
}

export interface Parquet {
  columns: { name: string; type: string }[]
  rows: unknown[][]
  total: number
  /** What was left out, in words. */
  note?: string
}

/** Rows of a Parquet file, at most 1000 at a time. */
export async function parquet(source: Source, path: string, rows: number, offset: number, signal?: AbortSignal): Promise<Parquet> {
  const url = urlOf('ajax-api/ui/artifacts/table', { ...source, path, rows, offset })
  return (await (await send(url, { signal })).json()) as Parquet
}
