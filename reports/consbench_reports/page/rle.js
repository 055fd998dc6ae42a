"use strict";

/*
 * COCO's compressed run-length code.
 *
 * A mask is read column by column; runs of background and foreground take turns, background first. A run is
 * written in groups of five bits, lowest first, one character a group (its code minus 48): bit 5 says that
 * another group follows, bit 4 of the last group is the sign. From the fourth run on, the difference to the
 * run two places before is written.
 */

/** The lengths of the runs of a code. */
function decodeRuns(code) {
  const runs = [];
  let at = 0;
  while (at < code.length) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      group = code.charCodeAt(at) - 48;
      value |= (group & 31) << shift;
      shift += 5;
      at += 1;
    } while (group & 32);
    if (group & 16 && shift < 32) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}

/** The mask as one byte a pixel, 0 or 1, row by row. */
function decodeMask(code, height, width) {
  const mask = new Uint8Array(height * width);
  let start = 0;
  decodeRuns(code).forEach((length, i) => {
    if (i % 2) {
      for (let pixel = start; pixel < start + length; pixel += 1) {
        mask[(pixel % height) * width + Math.floor(pixel / height)] = 1;
      }
    }
    start += length;
  });
  return mask;
}

/** The smallest box around a mask as [left, top, right, bottom], the last two exclusive; null if it is empty. */
function boxOf(mask, height, width) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (mask[y * width + x]) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = y + 1;
      }
    }
  }
  return right ? [left, top, right, bottom] : null;
}
