import { expect, test } from 'vitest'
import { choices, columnsOf, columnsText, filterOf, latencies, linesOf, narrowed, orderBy, quantile, rangeFrom, rangeText, volume, type Histogram } from './traces'

const here = { experiment: '1' }

test('words are looked for in spans, a filter is left as it is', () => {
  expect(filterOf('', [], here)).toBeUndefined()
  expect(filterOf('Paris "in" spring', [], here)).toBe(`trace.text ILIKE '%Paris "in" spring%'`)
  expect(filterOf("name = 'x'", ['ERROR', 'OK'], here)).toBe(`name = 'x' AND status IN ("ERROR", "OK")`)
  expect(filterOf('', [], { ...here, run: 'r' })).toBe('run_id = "r"')
  expect(filterOf('', [], { ...here, model: 'm-1', session: 's' })).toBe('metadata.`mlflow.modelId` = "m-1" AND metadata.`mlflow.trace.session` = "s"')
  expect(narrowed('a = 1', { from: 10, to: 20 }, { from: 5, to: 10 })).toBe('a = 1 AND timestamp_ms >= 10 AND timestamp_ms < 20 AND execution_time_ms > 5 AND execution_time_ms <= 10')
  expect(narrowed(undefined, undefined, undefined)).toBeUndefined()
})

test('columns and order', () => {
  expect(columnsOf(undefined, { time: 200 })[1]).toMatchObject({ id: 'time', width: 200 })
  expect(columnsOf('user,nothing,time', {}).map((one) => one.id)).toEqual(['name', 'user', 'time'])
  expect(choices('user').filter((one) => one.shown).map((one) => one.column.id)).toEqual(['name', 'user'])
  expect(columnsText(columnsOf(undefined, {}).map((one) => one.id))).toBeUndefined()
  expect(columnsText(['name', 'user'])).toBe('name,user')
  expect(orderBy([{ id: 'duration', down: true }, { id: 'tokens', down: true }, { id: 'user', down: false }])).toEqual(['execution_time_ms DESC', 'metadata.`mlflow.trace.user` ASC'])
})

test('ranges in the link', () => {
  expect(rangeFrom('10..20')).toEqual({ from: 10, to: 20 })
  for (const bad of [undefined, '', '20..10', 'x..1']) expect(rangeFrom(bad)).toBeUndefined()
  expect(rangeText({ from: 1.2, to: 3 })).toBe('1..3')
  expect(rangeText(undefined)).toBeUndefined()
})

test('sessions open', () => {
  const sessions = [{ name: 'a', traces: 2 }, { name: '', traces: 3 }]
  expect(linesOf(2, undefined, new Set()).map((line) => line.at)).toEqual([0, 1])
  expect(linesOf(5, sessions, new Set())).toEqual([{ at: 0, session: { name: 'a', traces: 2, open: false } }, { at: 2, session: { name: '', traces: 3, open: false } }])
  expect(linesOf(5, sessions, new Set(['a'])).map((line) => (line.session ? line.session.name || '-' : line.at))).toEqual(['a', 0, 1, '-'])
  expect(linesOf(1, sessions, new Set(['a'])).length).toBe(2)
})

const found: Histogram = { total: 10, start: 1000, step: 100, bars: 3, durations: [10, 20, 50, 100, 200, 500, 1000, 2000], cells: [[0, 0, 3, 0], [0, 1, 2, 1], [2, 1, 4, 4], [2, -1, 1, 0]] }

test('how many began when', () => {
  expect(volume(found, undefined).map((bar) => [bar.from, bar.count, bar.errors])).toEqual([[1000, 5, 1], [1100, 0, 0], [1200, 5, 4]])
  expect(volume(found, { from: 10, to: 20 }).map((bar) => bar.count)).toEqual([2, 0, 4])
})

test('how long they took', () => {
  expect(latencies(found, undefined).map((bar) => [bar.from, bar.to, bar.count, bar.errors])).toEqual([[0, 10, 3, 0], [10, 20, 6, 5], [20, 50, 0, 0], [50, 100, 0, 0], [100, 200, 0, 0], [200, 500, 0, 0]])
  expect(latencies(found, { from: 1200, to: 1300 }).map((bar) => bar.count)).toEqual([0, 4, 0, 0, 0, 0])
  expect(latencies({ ...found, cells: [[0, 7, 1, 0]] }, undefined).map((bar) => bar.count)).toEqual([0, 0, 0, 1, 0])
  expect(latencies({ ...found, cells: [] }, undefined)).toEqual([])
  expect(quantile(latencies(found, undefined), 0.5)).toBe(20)
  expect(quantile([], 0.5)).toBeUndefined()
})
