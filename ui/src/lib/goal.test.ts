import { expect, test } from 'vitest'
import { lowerIsBetter } from './goal'

test.each(['loss', 'train/loss', 'val_loss', 'rmse', 'test-MAE', 'log_loss', 'cross_entropy', 'latency_ms', 'loss1'])('%s: lower', (key) =>
  expect(lowerIsBetter(key)).toBe(true))
test.each(['accuracy', 'val/f1', 'auc', 'glossary', 'mesh', 'r2', 'reward', 'terror_free_rate'])('%s: higher', (key) =>
  expect(lowerIsBetter(key)).toBe(false))
