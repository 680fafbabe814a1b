import { expect, test } from 'vitest'
import { byDataset, measuredOf, type RawMetric } from './loggedmodel'

const metric = (key: string, value: number, dataset?: string, step = 0): RawMetric => ({ key, value, step, dataset_name: dataset, dataset_digest: dataset && 'd' })

test('what was measured on datasets counts, the last of it', () => {
  const found = measuredOf([metric('loss', 9), metric('acc', 0.1, 'test'), metric('acc', 0.2, 'test', 5), metric('acc', 0.3, 'train'), metric('system/cpu', 1, 'test')])
  expect(found.map((m) => [m.key, m.dataset, m.value])).toEqual([['acc', 'test', 0.2], ['acc', 'train', 0.3]])
})

test('without datasets everything but the system counts', () => {
  expect(measuredOf([metric('loss', 9), metric('system/cpu', 1)]).map((m) => m.key)).toEqual(['loss'])
})

test('a row a metric, a column a dataset', () => {
  const { datasets, rows } = byDataset(measuredOf([metric('acc', 0.2, 'test'), metric('acc', 0.3, 'train'), metric('auc', 0.4, 'train')]))
  expect(datasets.map((d) => d.name)).toEqual(['test', 'train'])
  expect(rows.map((r) => [r.key, ...r.values.map((v) => v?.value)])).toEqual([['acc', 0.2, 0.3], ['auc', undefined, 0.4]])
})
