// ONNX files written by hand: what no encoder of ours would write.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** One protobuf message, written by hand. */
export function message(write: (writer: BinaryWriter) => unknown): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

export function bytesField(writer: BinaryWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}

export function textField(writer: BinaryWriter, field: number, text: string): void {
  writer.tag(field, WireType.LengthDelimited).string(text);
}

export function integerField(writer: BinaryWriter, field: number, value: number | bigint): void {
  writer.tag(field, WireType.Varint).int64(value);
}

/** A file with operator set 20 around the bytes of a graph. */
export function fileOf(graph: Uint8Array | undefined): Uint8Array {
  return message((writer) => {
    integerField(writer, 1, 9);
    bytesField(
      writer,
      8,
      message((opset) => integerField(opset, 2, 20)),
    );
    if (graph !== undefined) bytesField(writer, 7, graph);
  });
}

/** A file whose only content is one initializer 't' with these fields after its name, element type and dimensions. */
export function tensorFile(
  type: number,
  dims: readonly (number | bigint)[],
  write: (writer: BinaryWriter) => unknown,
): Uint8Array {
  const tensor = message((writer) => {
    for (const dim of dims) integerField(writer, 1, dim);
    integerField(writer, 2, type);
    textField(writer, 8, 't');
    write(writer);
  });
  return fileOf(message((writer) => bytesField(writer, 5, tensor)));
}
