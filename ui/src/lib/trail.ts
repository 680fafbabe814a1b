/** The audit trail of a registered model, in words, and what it says about going back. */
import type { Version } from './registry'

/** One change, as the server tells it: before and after are JSON objects. */
export interface RawChange {
  id: number
  timestamp: number
  user?: string
  action: string
  version?: string
  before?: string
  after?: string
  comment?: string
}

export interface Difference {
  what: string
  /** undefined where nothing was, or is. */
  before: string | undefined
  after: string | undefined
}

export interface Change {
  id: number
  timestamp: number
  user: string
  action: string
  version: string | undefined
  /** In words: "Moved to Production". */
  text: string
  differences: Difference[]
  comment: string
}

const ACTIONS: Readonly<Record<string, string>> = {
  update: 'Description changed', rename: 'Renamed', delete: 'Deleted', import: 'Brought over',
  set_tag: 'Tag set', delete_tag: 'Tag removed', set_alias: 'Alias set', delete_alias: 'Alias removed',
  transition: 'Moved', rollback: 'Rolled back', request: 'Approval asked for', approve: 'Approved', reject: 'Rejected',
  set_policy: 'Rule set', delete_policy: 'Rule removed',
}

export function changeOf(raw: RawChange): Change {
  const before = objectOf(raw.before)
  const after = objectOf(raw.after)
  const isNew = raw.action === 'create' || raw.action === 'import'
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const text = raw.action === 'create' ? (raw.version ? 'Registered' : 'Created') : (ACTIONS[raw.action] ?? raw.action.replaceAll('_', ' '))
  return {
    id: raw.id,
    timestamp: raw.timestamp,
    user: raw.user ?? '',
    action: raw.action,
    version: raw.version,
    text,
    differences: keys
      .filter((key) => !isNew || (key !== 'name' && !(key === 'stage' && after[key] === 'None')))
      .map((key) => ({ what: wordOf(key, raw.action), before: shown(before[key]), after: shown(after[key]) })),
    comment: raw.comment ?? '',
  }
}

const WORDS: Readonly<Record<string, string>> = { run_id: 'run', model_id: 'logged model', requested_stage: 'stage' }

function wordOf(key: string, action: string): string {
  return action.endsWith('_tag') || action.endsWith('_alias') ? key : (WORDS[key] ?? key)
}

function objectOf(text: string | undefined): Record<string, unknown> {
  if (!text) return {}
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function shown(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/**
 * The version that a rollback of a stage brings back; undefined if there is none.
 *
 * As the server finds it: the versions that were in the stage, in the order in which they came, without those that
 * were rolled back, and without those that are in the stage now or are no more.
 */
export function rollbackTo(changes: readonly RawChange[], versions: readonly Pick<Version, 'version' | 'stage'>[], stage: string): string | undefined {
  let stack: string[] = []
  for (const { action, version, after } of changes) {
    if (version === undefined || !['create', 'import', 'transition', 'rollback', 'delete'].includes(action)) continue
    const to = objectOf(after)['stage']
    if (action === 'rollback' && to === stage && stack.includes(version)) stack = stack.slice(0, stack.indexOf(version))
    else if (to === stage || action === 'delete') stack = stack.filter((one) => one !== version)
    if (to === stage) stack.push(version)
  }
  const now = new Set(versions.filter((v) => v.stage === stage).map((v) => v.version))
  while (stack.some((one) => now.has(one))) stack.pop()
  return stack.reverse().find((one) => versions.some((v) => v.version === one))
}

export interface Standing {
  stage: string
  /** Newest first. */
  versions: string[]
}

/**
 * Which versions were in use at a time, by stage, and which aliases stood for which: also versions that were deleted since.
 *
 * @param changes Oldest first.
 * @param time Milliseconds since the epoch; what happened at it has happened.
 */
export function standingAt(changes: readonly RawChange[], time: number): { stages: Standing[]; aliases: { alias: string; version: string }[] } {
  const stages = new Map<string, string>()
  const aliases = new Map<string, string>()
  for (const { timestamp, action, version, before, after } of changes) {
    if (timestamp > time) break
    if (version === undefined) continue
    const to = objectOf(after)
    if (action === 'delete') {
      stages.delete(version)
      for (const [alias, of] of aliases) if (of === version) aliases.delete(alias)
    } else if (action === 'set_alias') for (const alias of Object.keys(to)) aliases.set(alias, version)
    else if (action === 'delete_alias') for (const alias of Object.keys(objectOf(before))) aliases.delete(alias)
    else if (typeof to.stage === 'string') stages.set(version, to.stage)
  }
  const newest = [...stages].sort(([a], [b]) => Number(b) - Number(a))
  const inUse = ['Production', 'Staging'].map((stage) => ({ stage, versions: newest.filter(([, of]) => of === stage).map(([version]) => version) }))
  return {
    stages: inUse.filter(({ versions }) => versions.length > 0),
    aliases: [...aliases].map(([alias, version]) => ({ alias, version })).sort((a, b) => a.alias.localeCompare(b.alias)),
  }
}
