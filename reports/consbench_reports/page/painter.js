"use strict";

/*
 * Painting: a photograph, masks over it, outlines and clicks, in a frame of the original image.
 *
 * A layer is {code, colour, fill} (a mask), {code, colour, line} (its outline, `line` pixels of the screen wide)
 * or {click, colour, current} (a dot). `frame` is the part of the image to show: [left, top, right, bottom].
 */

const stencils = new Map(); // code -> canvas whose pixels inside the mask are opaque
const photographs = new Map(); // image -> its photograph, once it is decoded

/** A canvas of the size of the image, opaque where the mask is. Decoded once, kept for the next picture. */
function stencilOf(code, image) {
  const key = `${image.width} ${code}`;
  if (!stencils.has(key)) {
    const canvas = newCanvas(image.width, image.height);
    const pixels = new ImageData(image.width, image.height);
    const mask = decodeMask(code, image.height, image.width);
    for (let i = 0; i < mask.length; i += 1) if (mask[i]) pixels.data[4 * i + 3] = 255;
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    if (stencils.size > 400) stencils.delete(stencils.keys().next().value);
    stencils.set(key, canvas);
  }
  return stencils.get(key);
}

/** The photograph of an image, decoded; null where the page has none. */
async function photographOf(image) {
  if (!image.photo) return null;
  if (!photographs.has(image)) {
    const picture = new Image();
    picture.src = image.photo;
    photographs.set(image, picture.decode().then(() => picture));
  }
  return photographs.get(image);
}

/** Paint one picture, `wide` CSS pixels wide. The canvas gets the shape of the frame. */
function paint(canvas, { image, photo, frame, layers, wide, dim = 0 }) {
  const [left, top, right, bottom] = frame;
  const density = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.max(1, Math.round(wide * density));
  canvas.height = Math.max(1, Math.round((canvas.width * (bottom - top)) / (right - left)));
  const scale = canvas.width / (right - left);
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue("--picture").trim() || "#8a8f98";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (photo) {
    const [sx, sy] = [photo.naturalWidth / image.width, photo.naturalHeight / image.height];
    context.imageSmoothingQuality = "high";
    context.drawImage(
      photo, left * sx, top * sy, (right - left) * sx, (bottom - top) * sy, 0, 0, canvas.width, canvas.height,
    );
  }
  if (dim) {
    context.fillStyle = `rgba(12, 16, 22, ${dim})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  for (const layer of layers) {
    if (layer.click) paintClick(context, layer, [left, top], scale, density);
    else if (layer.code) paintMask(context, layer, image, frame, density);
  }
}

function paintMask(context, layer, image, frame, density) {
  const { width, height } = context.canvas;
  const shape = newCanvas(width, height);
  const inside = shape.getContext("2d");
  const [left, top, right, bottom] = frame;
  const stencil = stencilOf(layer.code, image);
  inside.drawImage(stencil, left, top, right - left, bottom - top, 0, 0, width, height);
  if (layer.fill) {
    context.globalAlpha = layer.fill;
    context.drawImage(tinted(shape, layer.colour), 0, 0);
    context.globalAlpha = 1;
  }
  if (layer.line) context.drawImage(tinted(outlined(shape, layer.line * density), layer.colour), 0, 0);
}

/** The band of `reach` pixels along the inner side of a shape: the shape without what all its shifts share. */
function outlined(shape, reach) {
  const core = newCanvas(shape.width, shape.height);
  const inside = core.getContext("2d");
  inside.drawImage(shape, 0, 0);
  inside.globalCompositeOperation = "destination-in";
  for (let i = 0; i < 8; i += 1) {
    const angle = (i * Math.PI) / 4;
    inside.drawImage(shape, reach * Math.cos(angle), reach * Math.sin(angle));
  }
  const band = newCanvas(shape.width, shape.height);
  const outside = band.getContext("2d");
  outside.drawImage(shape, 0, 0);
  outside.globalCompositeOperation = "destination-out";
  outside.drawImage(core, 0, 0);
  return band;
}

function paintClick(context, layer, [left, top], scale, density) {
  const [x, y] = [(layer.click[0] + 0.5 - left) * scale, (layer.click[1] + 0.5 - top) * scale];
  const radius = (layer.current ? 5 : 3) * density;
  for (const [colour, reach] of [["#0b0e13", radius + 1.5 * density], ["#ffffff", radius + 0.5 * density], [layer.colour, radius - density]]) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, reach, 0, 2 * Math.PI);
    context.fill();
  }
}

function tinted(shape, colour) {
  const canvas = newCanvas(shape.width, shape.height);
  const context = canvas.getContext("2d");
  context.drawImage(shape, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
