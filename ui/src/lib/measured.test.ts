import { expect, test } from 'vitest'
import { away, best, mainValue, measured, metricColumns, paramColumns } from './measured'

const run = {
  metrics: [{ key: 'loss', value: 0.1, step: 9 }, { key: 'acc', value: 0.8, step: 9 }, { key: 'system/cpu', value: 1 }],
  params: [{ key: 'lr', value: '0.1' }, { key: 'epochs', value: '3' }],
}
const model = {
  metrics: [
    { key: 'acc', value: 0.9, dataset_name: 'train', dataset_digest: 'a' },
    { key: 'acc', value: 0.7, dataset_name: 'test', dataset_digest: 'b' },
  ],
  params: [{ key: 'lr', value: '0.2' }],
}

test('metrics of the logged model are in the place of those of its run', () => {
  const { values, params } = measured('1', run, model)
  expect([...values].map(([id, v]) => [id, v.value, v.of])).toEqual([['loss', 0.1, 'run'], ['acc on train', 0.9, 'model'], ['acc on test', 0.7, 'model']])
  expect(Object.fromEntries(params)).toEqual({ lr: '0.2', epochs: '3' })
})

test('the last step counts', () => {
  const { values } = measured('1', undefined, { metrics: [{ key: 'a', value: 2, step: 5 }, { key: 'a', value: 1, step: 1 }, { key: 'a', value: 'NaN', step: 7 }] })
  expect(values.get('a')?.value).toBeNaN()
})

test('columns know whether they differ, and whether the data did', () => {
  const other = measured('2', run, { metrics: [{ key: 'acc', value: 0.7, dataset_name: 'test', dataset_digest: 'c' }] })
  const columns = metricColumns([measured('1', run, model), other])
  expect(columns).toEqual([
    { id: 'acc on test', key: 'acc', dataset: 'test', differs: false, mixed: true },
    { id: 'acc on train', key: 'acc', dataset: 'train', differs: true, mixed: false },
    { id: 'loss', key: 'loss', dataset: '', differs: false, mixed: false },
  ])
})

test('params differ also where one is missing', () => {
  const all = [measured('1', run, undefined), measured('2', { params: [{ key: 'epochs', value: '3' }] }, undefined)]
  expect(paramColumns(all)).toEqual([{ id: 'epochs', differs: false }, { id: 'lr', differs: true }])
})

test('the main value is the named metric, else one on test data, else the usual one', () => {
  const { values } = measured('1', run, model)
  expect(mainValue(values, 'acc', undefined)?.value).toBe(0.7)
  expect(mainValue(values, 'loss', 'acc')?.value).toBe(0.1)
  expect(mainValue(values, undefined, 'loss')).toMatchObject({ key: 'acc', dataset: 'test' })
  const plain = measured('1', run, undefined).values
  expect(mainValue(plain, 'none', 'acc')?.key).toBe('acc')
  expect(mainValue(plain, undefined, undefined)?.key).toBe('loss')
  expect(mainValue(new Map(), 'acc', 'acc')).toBeUndefined()
})

test('the best is marked where there is one', () => {
  const of = (version: string, value: number) => measured(version, { metrics: [{ key: 'a', value }] }, undefined)
  const all = [of('1', 1), of('2', 3), of('3', 3), of('4', NaN), measured('5', undefined, undefined)]
  expect([...best(all, 'a', false)]).toEqual(['2', '3'])
  expect([...best(all, 'a', true)]).toEqual(['1'])
  expect([...best(all.slice(1, 3), 'a', true)]).toEqual([])
  expect([...best(all.slice(0, 1), 'a', true)]).toEqual([])
})

test.each([
  [1.022, 1, '+2.2%'], [0.5, 1, '−50%'], [3, 1, '+200%'], [-1, -2, '+50%'], [0.3, 0, '+0.3'], [1, 1, ''], [NaN, 1, ''], [undefined, 1, ''], [1, undefined, ''],
  [1.00001, 1, '+0.001%'], [1e6, 1, '+1.0e+8%'], [1.1, 1, '+10%'],
])('%d is away from %d by %s', (value, base, text) => expect(away(value, base)).toBe(text))
