import { expect, it } from "vitest";
import { UnderWay } from "./under-way.ts";

function held() {
  let finish = (_?: Error) => {};
  const promise = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  return { promise, finish };
}

it("does a thread's work one piece after the other, also after one that failed, and threads beside one another", async () => {
  const work = new UnderWay();
  const begun: string[] = [];
  const first = held();
  const piece = (name: string, promise = Promise.resolve()) => {
    begun.push(name);
    return promise;
  };
  const failing = expect(work.inTurn("a", () => piece("a1", first.promise))).rejects.toThrow("fails");
  const second = work.inTurn("a", () => piece("a2"));
  await work.inTurn("b", () => piece("b1"));
  expect(begun).toEqual(["a1", "b1"]);
  first.finish(new Error("fails"));
  await failing;
  await second;
  expect(begun).toEqual(["a1", "b1", "a2"]);
});

it("is idle once all is over, what has begun meanwhile too", async () => {
  const work = new UnderWay();
  const [one, other] = [held(), held()];
  work.add(one.promise);
  let isIdle = false;
  const idle = work.idle().then(() => {
    isIdle = true;
  });
  void work.inTurn("a", () => other.promise);
  one.finish();
  await new Promise(setImmediate);
  expect(isIdle).toBe(false);
  other.finish();
  await idle;
});
