import { describe, expect, test } from 'vitest'
import { aliased, aliasProblem, champion, fits, leaving, modelOfSource, moved, named, needs, ownerOf, quotedText, toggled } from './registry'

const version = (number: number, stage = 'None', aliases: string[] = []) => ({ version: String(number), stage, aliases })
const ALL = [version(4, 'Staging'), version(3, 'Production', ['champion', 'eu']), version(2, 'Archived'), version(1, 'Archived')]

describe('the champion', () => {
  test('is what the alias says', () => expect(champion([version(1, 'None', ['champion']), version(2, 'Production')])?.version).toBe('1'))
  test('else the newest in Production', () => expect(champion([version(2, 'Production'), version(10, 'Production'), version(11)])?.version).toBe('10'))
  test('else the newest', () => expect(champion([version(9), version(10)])?.version).toBe('10'))
  test('is nobody where there are no versions', () => expect(champion([])).toBeUndefined())
})

describe('what moves', () => {
  test('others leave a stage that is in use', () => expect(leaving(ALL, '4', 'Production').map((v) => v.version)).toEqual(['3']))
  test('nothing leaves Archived', () => expect(leaving(ALL, '4', 'Archived')).toEqual([]))
  test('with archiving', () => expect(moved(ALL, '4', 'Production', true).map((v) => v.stage)).toEqual(['Production', 'Archived', 'Archived', 'Archived']))
  test('without', () => expect(moved(ALL, '4', 'Production', false).map((v) => v.stage)).toEqual(['Production', 'Production', 'Archived', 'Archived']))
  test('an alias to another version', () => expect(aliased(ALL, 'champion', '4').map((v) => v.aliases)).toEqual([['champion'], ['eu'], [], []]))
  test('an alias away', () => expect(aliased(ALL, 'eu', undefined).map((v) => v.aliases)).toEqual([[], ['champion'], [], []]))
})

test.each([[['3'], 'Version 3'], [['10', '9'], 'Versions 9 and 10'], [['3', '1', '2'], 'Versions 1, 2 and 3']])('%j is %s', (list, text) => expect(named(list)).toBe(text))
test.each([['models:/m-0f96', 'm-0f96'], ['models:/churn/3', ''], ['runs:/m-1/model', ''], ['models:/m-1/path', '']])('the model of %s', (source, id) => expect(modelOfSource(source)).toBe(id))
test.each([['champion', ''], ['', ''], ['a-b_1', '']])('the alias %s is good', (alias, why) => expect(aliasProblem(alias)).toBe(why))
test.each(['v3', 'latest', 'LATEST', 'a b', 'a/b', 'x'.repeat(256)])('the alias %s is not', (alias) => expect(aliasProblem(alias)).not.toBe(''))

describe('finding models', () => {
  const churn = {
    name: 'churn', description: 'Who leaves', tags: [{ key: 'owner', value: 'Retention team' }],
    aliases: [{ alias: 'champion', version: '3' }], stages: ['Production', 'Staging'],
  }
  test.each(['', 'chu', 'leaves', 'alias:champ', 'stage:production', 'stage:p', 'tag:owner', 'tag:owner=ret', '"tag:owner=retention team"', 'churn stage:staging'])('%s fits', (typed) => expect(fits(churn, typed)).toBe(true))
  test.each(['fraud', 'alias:eu', 'stage:archived', 'tag:team', 'tag:owner=ann', 'churn alias:x'])('%s does not', (typed) => expect(fits(churn, typed)).toBe(false))
  test('conditions are added and taken away', () => {
    expect(toggled('churn', 'stage:Production')).toBe('churn stage:Production')
    expect(toggled('churn stage:Production', 'stage:Production')).toBe('churn')
    expect(toggled('', 'tag:a=b c')).toBe('"tag:a=b c"')
    expect(toggled('"tag:a=b c" x', 'tag:a=b c')).toBe('x')
    expect(toggled('"tag:a=b c"', 'x')).toBe('"tag:a=b c" x')
  })
})

test('a text with a quote is quoted otherwise', () => expect([quotedText('a'), quotedText("it's")]).toEqual(["'a'", `"it's"`]))
test('the owner is by its tag', () => expect([ownerOf([{ key: 'Team', value: 'nlp' }]), ownerOf([])]).toEqual(['nlp', '']))
test.each([
  [{ stage: 'Production', reviewers: 1, requirement: '' }, '1 approval'],
  [{ stage: 'Production', reviewers: 2, requirement: 'metrics.a > 1' }, '2 approvals and metrics.a > 1'],
  [{ stage: 'Production', reviewers: 0, requirement: 'metrics.a > 1' }, 'metrics.a > 1'],
])('the policy %j needs %s', (policy, text) => expect(needs(policy)).toBe(text))
