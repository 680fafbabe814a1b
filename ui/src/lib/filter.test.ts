import { describe, expect, test } from 'vitest'
import { both, completed, isFilter, isUnfinished, keyOf, keyText, keyTexts, operatorsOf, pieceAt, TRACES, typingAt, valueText } from './filter'

describe('isFilter', () => {
  test.each([
    'metrics.accuracy > 0.9',
    'params.learning_rate = "0.01"',
    'status = "FINISHED"',
    "tags.team LIKE 'a%'",
    'metrics.`val/accuracy`>0.9',
    'metrics."a b" > 1 and params.x = "y"',
    'metrics.acc >> 0.9',
    'accuracy > 0.9',
    "run_id IN ('a', 'b')",
    'params.x IS NULL',
  ])('%s', (text) => expect(isFilter(text)).toBe(true))

  test.each(['', 'baseline', 'cnn mlp', 'cnn-lr=0.01', 'cnn-lr=0.01 fold', '"quoted = words"', 'metrics.accuracy', 'is it like this', '<b>markup</b>', 'a and b'])(
    'words: %s', (text) => expect(isFilter(text)).toBe(false),
  )
})

describe('isUnfinished', () => {
  test.each(['metrics.a >', 'metrics.a > 1 and', 'params.x = "y', 'metrics.a > 1 and params.b', "run_id IN ('a'", 'metrics.`val/a', 'metrics.ac', 'metrics.'])(
    '%s', (text) => expect(isUnfinished(text)).toBe(true),
  )
  test.each(['', 'metrics.a > 1', 'words', 'params.x = "y"', "run_id IN ('a', 'b')", 'status', 'v1.2'])(
    'finished: %s', (text) => expect(isUnfinished(text)).toBe(false),
  )
})

describe('typingAt', () => {
  const at = (text: string) => {
    const caret = text.indexOf('|')
    return typingAt(text.replace('|', ''), caret)
  }

  test.each([
    ['|', { kind: 'key', from: 0, to: 0, typed: '' }],
    ['acc|', { kind: 'key', from: 0, to: 3, typed: 'acc' }],
    ['metrics.a|cc > 1', { kind: 'key', from: 0, to: 11, typed: 'metrics.a' }],
    ['metrics.`val/a|', { kind: 'key', from: 0, to: 14, typed: 'metrics.val/a' }],
    ['metrics.acc |', { kind: 'operator', from: 12, to: 12, typed: '', entity: 'metrics', key: 'acc' }],
    ['params.x = |', { kind: 'value', from: 11, to: 11, typed: '', entity: 'params', key: 'x' }],
    ['params.x = "ab|', { kind: 'value', from: 11, to: 14, typed: 'ab', entity: 'params', key: 'x' }],
    ['params.x = "a" |', { kind: 'join', from: 15, to: 15, typed: '' }],
    ['params.x = "a" and st|', { kind: 'key', from: 19, to: 21, typed: 'st' }],
    ['status = "a" and status = F|', { kind: 'value', from: 26, to: 27, typed: 'F', entity: 'attributes', key: 'status' }],
  ])('%s', (text, found) => expect(at(text)).toEqual(found))
})

test('a completion takes the place of what was typed', () => {
  const text = 'acc > 1'
  expect(completed(text, typingAt(text, 3), 'metrics.acc')).toEqual({ text: 'metrics.acc > 1', caret: 12 })
  expect(completed('params.x = ', typingAt('params.x = ', 11), '"y"')).toEqual({ text: 'params.x = "y" ', caret: 15 })
})

test('keys are quoted where they must be, and read back', () => {
  expect(keyText('metrics', 'acc')).toBe('metrics.acc')
  expect(keyText('metrics', 'val/acc')).toBe('metrics.`val/acc`')
  expect(keyText('params', 'a`b')).toBe('params."a`b"')
  expect(keyText('attributes', 'status')).toBe('status')
  for (const key of ['acc', 'val/acc', 'a.b', 'odd key: a/b']) {
    expect(keyOf(keyText('params', key))).toEqual({ entity: 'params', key })
  }
  expect(keyOf('metric.acc')).toEqual({ entity: 'metrics', key: 'acc' })
  expect(keyOf('nothing')).toBeUndefined()
  expect(valueText('a"b')).toBe(`'a"b'`)
})

test('an error is about the word at its place, or the last one before', () => {
  expect(pieceAt('metrics.acc >> 0.9', 12)).toEqual({ from: 12, to: 13 })
  expect(pieceAt('metrics.acc > high', 14)).toEqual({ from: 14, to: 18 })
  expect(pieceAt('status = "x', 11)).toEqual({ from: 9, to: 11 })
  expect(pieceAt('', 0)).toEqual({ from: 0, to: 0 })
})

test('keys and operators that are offered', () => {
  const keys = keyTexts({ metrics: [{ key: 'val/a' }], params: [{ key: 'lr' }], tags: [{ key: 'team' }] })
  expect(keys.slice(0, 3)).toEqual(['metrics.`val/a`', 'params.lr', 'status'])
  expect(keys).toContain('tags.team')
  expect(operatorsOf('metrics')).toContain('>=')
  expect(operatorsOf('params')).toContain('LIKE')
  expect(operatorsOf('attributes', 'start_time')).toContain('<')
})

test('conditions are joined', () => {
  expect(both('a = 1', undefined, '', 'b = 2')).toBe('a = 1 AND b = 2')
  expect(both(undefined, ' ')).toBeUndefined()
})

describe('the language of traces', () => {
  test.each(["status = 'OK'", 'execution_time_ms > 100', 'feedback.relevance = "yes"', 'span.name LIKE "%x%"', 'metadata.`mlflow.trace.session` = "s"', 'trace.text ILIKE "%x%"'])(
    '%s', (text) => expect(isFilter(text, TRACES)).toBe(true),
  )
  test('words', () => expect(isFilter('lr=0.01 span', TRACES)).toBe(false))
  test('keys and what goes with them', () => {
    expect(keyOf('trace.text', TRACES)).toEqual({ entity: 'attributes', key: 'text' })
    expect(typingAt('span.name = ', 12, TRACES)).toMatchObject({ kind: 'value', entity: 'span', key: 'name' })
    expect(typingAt('span.name = ', 12)).not.toHaveProperty('entity')
    expect(operatorsOf('attributes', 'execution_time_ms')).toContain('>')
    expect(isUnfinished('feedback.sco', TRACES)).toBe(true)
  })
})
