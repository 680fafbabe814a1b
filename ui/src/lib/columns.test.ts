import { describe, expect, test } from 'vitest'
import { asked, columnOf, columnsFrom, columnsText, firstColumns, grouped, NO_KEYS, ordering, parsed, type Keys } from './columns'

const metric = (key: string, runs: number, distinct: number) => ({ key, runs, distinct })
const param = (key: string, runs: number, distinct: number, values?: string[]) => ({ key, runs, distinct, values, numeric: false })

describe('firstColumns', () => {
  const keys: Keys = {
    runs: 100,
    metrics: [metric('constant', 100, 1), metric('loss', 100, 90), metric('rare', 1, 1), metric('some', 30, 30), metric('acc', 98, 90), metric('system/cpu', 100, 100)],
    params: [param('same', 100, 1), param('lr', 100, 3, ['1', '2', '3']), param('config', 100, 2, ['x'.repeat(500), 'y'])],
    tags: [],
  }

  test('facts, and what differs; the commonest first', () => {
    expect(firstColumns(keys, false).map((one) => one.id)).toEqual(
      ['state', 'name', 'created', 'duration', 'metrics.loss', 'metrics.acc', 'metrics.some', 'params.lr'],
    )
  })

  test('the experiment, where there are several', () => {
    expect(firstColumns(keys, true).map((one) => one.id)).toContain('experiment')
  })

  test('of a single run, all', () => {
    const one = { ...keys, runs: 1, metrics: [metric('a', 1, 1)], params: [param('b', 1, 1)] }
    expect(firstColumns(one, false).map((c) => c.id).slice(4)).toEqual(['metrics.a', 'params.b'])
  })

  test('not thousands', () => {
    const many = { ...keys, metrics: Array.from({ length: 1000 }, (_, i) => metric(`m${i}`, 100, 50)) }
    expect(firstColumns(many, false).filter((one) => one.id.startsWith('metrics.'))).toHaveLength(16)
  })
})

test('columns in a link are read as they are written', () => {
  const specs = [{ id: 'name', pin: true }, { id: 'metrics.a,b' }, { id: 'max.val/acc', shade: 'heat' as const, pin: true }, { id: 'params.x;y' }]
  expect(columnsFrom(columnsText(specs))).toEqual(specs)
  expect(columnsText([{ id: 'name', pin: true }, { id: 'metrics.a', shade: 'bar' }])).toBe('name;pin,metrics.a;bar')
  expect(columnsFrom('name,name,metrics.a')).toEqual([{ id: 'name' }, { id: 'metrics.a' }])
  expect(columnsFrom('')).toBeUndefined()
  expect(columnsFrom(undefined)).toBeUndefined()
})

test('what a column id stands for', () => {
  expect(parsed('metrics.val/acc.top1')).toEqual({ kind: 'metrics', key: 'val/acc.top1' })
  expect(parsed('best.loss')).toEqual({ kind: 'best', key: 'loss' })
  expect(parsed('duration')).toEqual({ kind: 'fact', key: 'duration' })
  expect(parsed('nothing.x')).toEqual({ kind: 'fact', key: 'nothing.x' })
})

describe('columnOf', () => {
  test('numbers keep to the end', () => {
    expect(columnOf({ id: 'metrics.a' }, NO_KEYS, {})).toMatchObject({ label: 'a', align: 'end', down: true })
    const keys = { ...NO_KEYS, params: [{ ...param('lr', 1, 1, ['1']), numeric: true }] }
    expect(columnOf({ id: 'params.lr' }, keys, {})?.align).toBe('end')
    expect(columnOf({ id: 'params.other' }, keys, {})?.align).toBeUndefined()
  })
  test('what it shows of a metric is said, and a width is kept', () => {
    expect(columnOf({ id: 'max.a', pin: true }, NO_KEYS, { 'max.a': 333 })).toMatchObject({ note: 'max', width: 333, pinned: true })
  })
  test('no such column', () => expect(columnOf({ id: 'nonsense' }, NO_KEYS, {})).toBeUndefined())
})

test('what the server is asked for', () => {
  expect(asked(parsed('best.loss'))).toBe('min.loss')
  expect(asked(parsed('best.accuracy'))).toBe('max.accuracy')
  expect(asked(parsed('params.lr'))).toBe('params.lr')
  expect(asked(parsed('source'))).toBe('tags.mlflow.source.name')
  expect(asked(parsed('name'))).toBeUndefined()
})

test('what orders on the server', () => {
  expect(ordering(parsed('metrics.val/acc'), true)).toBe('metrics.`val/acc` DESC')
  expect(ordering(parsed('created'), false)).toBe('attributes.start_time ASC')
  expect(ordering(parsed('params.lr'), false)).toBe('params.lr ASC')
  expect(ordering(parsed('source'), false)).toBe('tags.`mlflow.source.name` ASC')
  expect(ordering(parsed('duration'), false)).toBeUndefined()
  expect(ordering(parsed('max.a'), false)).toBeUndefined()
})

test('keys are grouped by prefix, but not one by one', () => {
  const names = ['train/loss', 'train/acc', 'val/acc', 'epoch', 'opt.lr', 'opt.name']
  expect(grouped(names.map((key) => ({ key }))).map(({ name, keys }) => [name, keys.map((one) => one.key)])).toEqual([
    ['', ['epoch', 'val/acc']],
    ['train', ['train/loss', 'train/acc']],
    ['opt', ['opt.lr', 'opt.name']],
  ])
})
