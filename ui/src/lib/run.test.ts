import { expect, test } from 'vitest'
import { childrenOf, keyMetrics, profileText, rangeColumns, rangesOf, runOf, schemaFields } from './run'

test('a run with everything', () => {
  const run = runOf({
    info: { run_id: 'r1', experiment_id: '1', run_name: 'a', status: 'RUNNING', start_time: 5, artifact_uri: 'mlflow-artifacts:/1/r1/artifacts', lifecycle_stage: 'deleted' },
    data: {
      metrics: [{ key: 'loss', value: 'NaN', timestamp: 1, step: 3 }],
      params: [{ key: 'b', value: '2' }, { key: 'a' }],
      tags: [
        { key: 'mlflow.user', value: 'ann' }, { key: 'mlflow.parentRunId', value: 'p' }, { key: 'mlflow.note.content', value: '# Hi' },
        { key: 'mlflow.source.git.commit', value: 'abc' }, { key: 'own', value: 'x' },
      ],
    },
    inputs: {
      dataset_inputs: [{ tags: [{ key: 'mlflow.data.context', value: 'train' }], dataset: { name: 'd', digest: '1f', source_type: 'http', source: '{"url": "https://x/y"}' } }],
      model_inputs: [{ model_id: 'm-2' }],
    },
    outputs: { model_outputs: [{ model_id: 'm-1', step: 4 }] },
  })
  expect(run).toMatchObject({
    id: 'r1', running: true, deleted: true, end: undefined, user: 'ann', parent: 'p', note: '# Hi', source: { commit: 'abc', name: '' },
    params: [{ key: 'a', value: '' }, { key: 'b', value: '2' }], made: [{ id: 'm-1', step: 4 }], read: ['m-2'],
    datasets: [{ name: 'd', source: 'https://x/y', context: 'train', schema: '' }],
  })
  expect(run.metrics.get('loss')).toEqual({ value: NaN, step: 3 })
})

test('a run with nothing', () => {
  expect(runOf({ info: { experiment_id: '1', run_uuid: 'r' } })).toMatchObject({ id: 'r', name: '', running: false, deleted: false, params: [], datasets: [] })
})

test('schemas', () => {
  expect(schemaFields('{"mlflow_colspec": [{"type": "long", "name": "a"}]}')).toEqual([{ name: 'a', type: 'long' }])
  expect(schemaFields('{"mlflow_tensorspec": {"features": [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}}]}}')).toEqual([{ name: '0', type: 'int64[-1, 2]' }])
  expect(schemaFields('nonsense')).toEqual([])
  expect(profileText('{"num_rows": 800, "num_elements": 2400}')).toBe('rows 800, elements 2400')
  expect(profileText('')).toBe('')
})

test('metrics', () => {
  expect(keyMetrics(['train/loss', 'system/cpu', 'val/f1', 'auc', 'interval'], 'auc')).toEqual(['auc', 'val/f1', 'interval', 'train/loss'])
  expect(rangeColumns(['a'])).toEqual(['metrics.a', 'min.a', 'max.a', 'step.a'])
  expect(rangesOf(['a'], { 'metrics.a': ['NaN'], 'min.a': [1], 'max.a': [null] })).toEqual([{ key: 'a', last: NaN, min: 1, max: undefined, step: undefined }])
})

test('children', () => expect(childrenOf("a'b")).toBe("tags.`mlflow.parentRunId` = 'ab'"))
