import { expect, it } from "vitest";
import { Headroom } from "./headroom.ts";

function headroom(most: number) {
  let load = 0;
  let told = 0;
  const room = new Headroom(
    most,
    () => {
      told += 1;
    },
    () => load,
  );
  return {
    room,
    at(utilization: number) {
      load = utilization;
      room.look();
      return [room.limit, told];
    },
  };
}

it("lets in more and more while the loop has time left, and few when it has none", () => {
  const { room, at } = headroom(35);
  expect(room.limit).toBe(10);
  expect([at(0.1), at(0.5), at(0.79), at(0.1)]).toEqual([
    [20, 1],
    [30, 2],
    [35, 3],
    [35, 4],
  ]);
  expect([at(0.95), at(1), at(0.3)]).toEqual([
    [10, 4],
    [10, 4],
    [20, 5],
  ]);
});

it("begins with few again once it is not needed any more", () => {
  const { room, at } = headroom(100);
  at(0);
  at(0);
  room.stopUnless(true, 3);
  room.stopUnless(false, 20);
  expect(room.limit).toBe(30);
  room.stopUnless(false, 10);
  expect(room.limit).toBe(10);
});

it("never lets in more than it is told", () => {
  const { room, at } = headroom(3);
  expect([room.limit, at(0), at(1)]).toEqual([3, [3, 1], [3, 1]]);
});
