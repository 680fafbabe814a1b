import { describe, expect, test } from 'vitest'
import { changeOf, rollbackTo, standingAt, type RawChange } from './trail'

let id = 0
const change = (action: string, version: string | undefined, before?: object, after?: object): RawChange => ({
  id: ++id, timestamp: id, action, version, before: before && JSON.stringify(before), after: after && JSON.stringify(after),
})
const move = (version: string, stage: string, action = 'transition') => change(action, version, {}, { stage })

describe('a change in words', () => {
  test('a move', () => {
    const said = changeOf({ ...change('transition', '3', { stage: 'Staging' }, { stage: 'Production' }), user: 'ann', comment: 'better' })
    expect(said).toMatchObject({ text: 'Moved', user: 'ann', comment: 'better', differences: [{ what: 'stage', before: 'Staging', after: 'Production' }] })
  })
  test('an alias that was nowhere', () => expect(changeOf(change('set_alias', '1', undefined, { champion: 1 })).differences).toEqual([{ what: 'champion', before: undefined, after: '1' }]))
  test('a tag that goes', () => expect(changeOf(change('delete_tag', undefined, { a: 'b' })).differences).toEqual([{ what: 'a', before: 'b', after: undefined }]))
  test('a new version', () => {
    const said = changeOf(change('create', '1', undefined, { stage: 'None', source: 's3://x', run_id: 'r' }))
    expect(said.text).toBe('Registered')
    expect(said.differences).toEqual([{ what: 'source', before: undefined, after: 's3://x' }, { what: 'run', before: undefined, after: 'r' }])
  })
  test('a new model', () => expect(changeOf(change('create', undefined, undefined, { name: 'x', tags: { a: 'b' } }))).toMatchObject({ text: 'Created', differences: [{ what: 'tags', after: '{"a":"b"}' }] }))
  test('one that is not known', () => expect(changeOf(change('new_thing', '1')).text).toBe('new thing'))
  test('broken JSON says nothing', () => expect(changeOf({ id: 1, timestamp: 1, action: 'update', before: '{', after: '3' }).differences).toEqual([]))
})

describe('rolling back', () => {
  const now = (...production: string[]) => ['1', '2', '3'].map((version) => ({ version, stage: production.includes(version) ? 'Production' : 'Archived' }))

  test('goes to the one before', () => expect(rollbackTo([move('1', 'Production'), move('1', 'Archived'), move('2', 'Production')], now('2'), 'Production')).toBe('1'))
  test('and again one further', () => {
    const trail = [move('1', 'Production'), move('2', 'Production'), move('3', 'Production'), move('3', 'Archived'), move('2', 'Production', 'rollback')]
    expect(rollbackTo(trail, now('2'), 'Production')).toBe('1')
  })
  test('not to a deleted one', () => {
    const trail = [move('1', 'Production'), move('2', 'Production'), change('delete', '2'), move('3', 'Production')]
    expect(rollbackTo(trail, now('3').filter((v) => v.version !== '2'), 'Production')).toBe('1')
  })
  test('not where nothing was', () => expect(rollbackTo([move('1', 'Production')], now('1'), 'Production')).toBeUndefined())
  test('back into an empty stage', () => expect(rollbackTo([move('1', 'Production'), move('1', 'Archived')], now(), 'Production')).toBe('1'))
  test('of another stage is another matter', () => expect(rollbackTo([move('1', 'Staging'), move('2', 'Production')], now('2'), 'Production')).toBeUndefined())
})

describe('what was in use at a time', () => {
  const at = (timestamp: number, change: RawChange): RawChange => ({ ...change, timestamp })
  const trail = [
    at(1, change('create', '1', undefined, { stage: 'None' })), at(2, move('1', 'Production')), at(3, change('set_alias', '1', undefined, { champion: 1 })),
    at(4, move('2', 'Staging')), at(5, move('2', 'Production')), at(6, change('set_alias', '2', { champion: 1 }, { champion: 2 })), at(7, move('1', 'Archived')),
    at(8, change('set_alias', '2', undefined, { eu: 2 })), at(9, change('delete_alias', '2', { eu: 2 })), at(10, change('delete', '2', { stage: 'Production', aliases: ['champion'] })),
  ]
  test.each([
    [1, [], []],
    [3, [['Production', '1']], ['champion 1']],
    [4, [['Production', '1'], ['Staging', '2']], ['champion 1']],
    [6, [['Production', '2,1']], ['champion 2']],
    [8, [['Production', '2']], ['champion 2', 'eu 2']],
    [9, [['Production', '2']], ['champion 2']],
    [10, [], []],
  ])('%d', (time, stages, aliases) => {
    const found = standingAt(trail, time)
    expect(found.stages.map(({ stage, versions }) => [stage, versions.join()])).toEqual(stages)
    expect(found.aliases.map(({ alias, version }) => `${alias} ${version}`)).toEqual(aliases)
  })
})
