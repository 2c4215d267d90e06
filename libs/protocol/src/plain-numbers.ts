// protobufjs decodes 64-bit integers to Long objects when it finds that package. Positions, sequences and times stay far
// below 2^53, and plain numbers are several times faster, so Long is switched off. Must be imported before generated code.
import protobuf from 'protobufjs/minimal.js';

(protobuf.util as { Long: unknown }).Long = null;
protobuf.configure();
