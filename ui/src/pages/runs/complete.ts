/** What completes a filter on runs. */
import { call } from '../../api/client'
import type { Keys } from '../../lib/columns'
import { keyTexts, operatorsOf, STATES, valueText, type Typing } from '../../lib/filter'
import { rank } from '../../lib/match'

const MOST = 40

export async function completions(typing: Typing, keys: Keys, experiments: readonly string[]): Promise<readonly string[]> {
  const { kind, typed, entity, key } = typing
  if (kind === 'key') return typed === '' && typing.from === 0 ? keyTexts(keys).slice(0, MOST) : rank(keyTexts(keys), typed, (text) => text.replace(/[`"]/g, '')).slice(0, MOST)
  if (kind === 'operator') {
    const all = operatorsOf(entity, key)
    return entity === undefined || all.includes(typed) ? [] : all.filter((one) => one.startsWith(typed.toUpperCase()))
  }
  if (kind === 'join') return ['and'].filter((word) => word.startsWith(typed.toLowerCase()) && word !== typed)
  if (entity === undefined || key === undefined || entity === 'metrics') return []
  const values = await valuesOf(entity, key, typed, experiments)
  return rank(values, typed, (value) => value).map(valueText).slice(0, MOST)
}

async function valuesOf(entity: string, key: string, prefix: string, experiments: readonly string[]): Promise<string[]> {
  if (entity === 'attributes' && key === 'status') return [...STATES]
  if (entity === 'attributes' && !['run_name', 'user_id'].includes(key)) return []
  try {
    if (entity === 'dataset') {
      const { datasets } = await call('GET ui/datasets', { experiment_ids: [...experiments] })
      if (key !== 'name' && key !== 'digest') return []
      return [...new Set(datasets.map((one) => one[key]))]
    }
    const kind = entity === 'params' || entity === 'tags' ? entity : 'attributes'
    return (await call('GET ui/runs/values', { experiment_ids: [...experiments], kind, key, prefix: prefix || undefined })).values
  } catch {
    return [] // then it is typed without help
  }
}
