import { expect, test } from 'vitest'
import { changeText, chartedMetrics, datasetRows, metricRows, paramRows, tagRows } from './diff'
import { runOf, type Run } from './run'

function run(metrics: Record<string, number>, params: Record<string, string> = {}, tags: Record<string, string> = {}): Run {
  const pairs = (of: Record<string, string>) => Object.entries(of).map(([key, value]) => ({ key, value }))
  return runOf({
    info: { run_id: 'r', experiment_id: '1' },
    data: { metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, step: 0, timestamp: 0 })), params: pairs(params), tags: pairs(tags) },
  })
}

test('params are compared by single values, and what is odd is what most do not have', () => {
  const rows = paramRows([run({}, { c: '{"lr": 1, "m": [1, 2]}' }), run({}, { c: '{"lr": 2, "m": [1, 2]}' }), run({}, { c: '{"lr": 1, "m": [1, 2]}', seed: '3' })])
  expect(rows.map((row) => [row.key, row.differs])).toEqual([['c.lr', true], ['c.m[0]', false], ['c.m[1]', false], ['seed', true]])
  expect(rows[0]?.odd).toEqual([false, true, false])
  expect(rows[3]?.values).toEqual([undefined, undefined, '3'])
})

test('with a baseline, odd is what is not its', () => {
  const [row] = paramRows([run({}, { a: '1' }), run({}, { a: '2' }), run({}, { a: '2' })], 0)
  expect(row?.odd).toEqual([false, true, true])
})

test('the best of metrics, by direction; none where all are the same', () => {
  const rows = metricRows([run({ loss: 0.1, acc: 0.9, flat: 1 }), run({ loss: 0.3, acc: 0.95, flat: 1 }), run({ acc: NaN })])
  expect(Object.fromEntries(rows.map((row) => [row.key, row.best]))).toEqual({ acc: [false, true, false], flat: [false, false, false], loss: [true, false, false] })
  expect(rows.find((row) => row.key === 'flat')?.differs).toBe(true) // one has none
  expect(metricRows([run({ x: 1 }), run({ x: 2 })], undefined, () => true)[0]?.best).toEqual([true, false])
  expect(metricRows([run({ a: NaN }), run({ a: NaN })])[0]?.differs).toBe(false)
})

test('changes are shares of the baseline', () => {
  const [row] = metricRows([run({ a: 2 }), run({ a: 3 }), run({ a: NaN }), run({})], 0)
  expect(row?.change).toEqual([undefined, 0.5, undefined, undefined])
  expect(metricRows([run({ a: 0 }), run({ a: 3 })], 0)[0]?.change).toEqual([undefined, undefined])
  expect(metricRows([run({ a: -2 }), run({ a: -1 })], 0)[0]?.change[1]).toBe(0.5)
  const texts: [number, string][] = [[0, '='], [0.0001, '+0%'], [-0.0001, '−0%'], [0.032, '+3.2%'], [-0.4, '−40%'], [11, '×12']]
  for (const [change, text] of texts) expect(changeText(change)).toBe(text)
})

test('system metrics come last and are never best', () => {
  const rows = metricRows([run({ 'system/cpu': 1, z: 1 }), run({ 'system/cpu': 2, z: 1 })])
  expect(rows.map((row) => row.key)).toEqual(['z', 'system/cpu'])
  expect(rows[1]?.best).toEqual([false, false])
})

test('charts: shared metrics first, the system last', () => {
  expect(chartedMetrics([run({ only: 1, both: 1, 'system/cpu': 1 }), run({ both: 2, 'system/cpu': 1, m10: 1, m9: 2 })])).toEqual(['both', 'm9', 'm10', 'only', 'system/cpu'])
})

test('tags without our own, and datasets by name and use', () => {
  expect(tagRows([run({}, {}, { a: '1', 'mlflow.user': 'x' })]).map((row) => row.key)).toEqual(['a'])
  const read = (digest: string): Run => ({ ...run({}), datasets: [{ name: 'd', digest, kind: '', source: '', schema: '', profile: '', context: 'train' }] })
  expect(datasetRows([read('1'), read('2')])).toEqual([{ key: 'd (train)', values: ['1', '2'], differs: true, odd: [false, false] }])
})
