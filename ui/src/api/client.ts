/** Calls of the server's RPCs. Keys are "METHOD path", the path being below /ajax-api/. */
import { signature } from '../state/user.svelte'
import { reached, unreachable } from './connection.svelte'
import type { Rpcs } from './types.gen'

/** Where the server's paths begin: the build's files lie in `static/` below it. */
export const ROOT: string = import.meta.env.DEV
  ? `${location.origin}/`
  : new URL('../', import.meta.url).href

/** What the server refused, in its own words. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
    /** Of the offending character in a filter. */
    readonly position?: number,
  ) {
    super(message)
  }
}

/**
 * The answer of an RPC.
 *
 * @param reason Why a change of the registry is made: it goes to the history, beside the name that was given in this browser.
 */
export async function call<K extends keyof Rpcs>(
  key: K,
  request: Rpcs[K]['request'],
  signal?: AbortSignal,
  reason?: string,
): Promise<Rpcs[K]['response']> {
  const [method = 'GET', path = ''] = key.split(' ')
  const fields = request as Record<string, unknown>
  let url = urlOf(`ajax-api/${path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(fields[name])))}`)
  const init: RequestInit = { method, signal, headers: { Accept: 'application/json' } }
  if (method === 'GET') url += queryText(fields)
  else {
    init.body = JSON.stringify(request)
    init.headers = { ...init.headers, ...signature(), 'Content-Type': 'application/json' }
    if (reason) init.headers = { ...init.headers, 'X-Mlflow-Reason': encodeURIComponent(reason) }
  }
  const response = await send(url, init)
  return (await response.json()) as Rpcs[K]['response']
}

/** A response that is good; ApiError if it is not, or the server cannot be reached. */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    unreachable()
    throw new ApiError('The server cannot be reached.', 'UNREACHABLE', 0)
  }
  reached()
  if (response.ok) return response
  throw await problem(response)
}

async function problem(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const said = JSON.parse(text) as { message?: string; error_code?: string; position?: number }
    return new ApiError(said.message ?? text, said.error_code ?? '', response.status, said.position)
  } catch {
    return new ApiError(text.slice(0, 500) || response.statusText, '', response.status)
  }
}

/** The URL of a path of the server. */
export function urlOf(path: string, query: Record<string, unknown> = {}): string {
  return ROOT + path + queryText(query)
}

function queryText(fields: Record<string, unknown>): string {
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) pairs.append(name, String(one))
    }
  }
  const text = pairs.toString()
  return text && `?${text}`
}
