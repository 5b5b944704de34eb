// The negative control of crash.spec.ts: a service that acknowledges before the commit, which also takes a while.
import { WriteQueue } from '../dist/store/changes/write-queue.js';

const correct = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(WriteQueue.prototype));

WriteQueue.prototype.run = function (write) {
  return new Promise((resolve, reject) => {
    const apply = (view) => {
      const result = write.apply(view);
      resolve(result);
      return result;
    };
    correct.run.call(this, { ...write, apply }).catch(reject);
  });
};

WriteQueue.prototype.exclusively = function (transaction) {
  return correct.exclusively.call(this, async (db) => {
    const result = await transaction(db);
    await new Promise((resolve) => setTimeout(resolve, 30));
    return result;
  });
};
