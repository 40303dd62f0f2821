package state

import "math/bits"

// Sizes of blocks go in steps of 32 bytes to 1 KiB, then in quarters of each
// doubling to 64 KiB.
const (
	fineStep    = 32
	fineLimit   = 1 << 10
	fineClasses = fineLimit / fineStep
	classes     = fineClasses + 6*4
)

// classOf is the class whose blocks hold size bytes.
func classOf(size int) int {
	if size <= fineLimit {
		return max(size-1, 0) / fineStep
	}
	doubling := bits.Len(uint(size-1)) - 1
	quarter := (size - 1 - 1<<doubling) >> (doubling - 2)
	return fineClasses + (doubling-10)*4 + quarter
}

// classSize is how many bytes a block of the class has.
func classSize(class int) int {
	if class < fineClasses {
		return (class + 1) * fineStep
	}
	doubling, quarter := 10+(class-fineClasses)/4, (class-fineClasses)%4
	return 1<<doubling + (quarter+1)<<(doubling-2)
}

// Chunks have 64 blocks, so that little is wasted on a few, and fewer when they
// would be above 32 KiB, where Go rounds memory up in coarse steps.
const (
	chunkBlocks = 64
	chunkBytes  = 32 << 10
)

// blocks gives out memory in blocks of a few sizes. A released block leaves a
// gap that the next block of its class fills; tidy closes them when they are
// many, so that memory that one class no longer needs is there for the others.
type blocks struct {
	classes  [classes]class
	released uint64 // classes with a gap that tidy has not seen, as bits
}

// class is the blocks of one size.
type class struct {
	size   int
	shift  int // a chunk has 1<<shift blocks
	chunks [][]byte
	owners []uint32 // entry of each block up to the last one; 0 is a gap
	gaps   []uint32 // may list blocks behind the last one, which are none
}

func newBlocks() blocks {
	var b blocks
	for i := range b.classes {
		size := classSize(i)
		n := max(min(chunkBlocks, chunkBytes/size), 1)
		b.classes[i] = class{size: size, shift: bits.Len(uint(n)) - 1}
	}
	return b
}

// at is the whole block.
func (b *blocks) at(class int, block uint32) []byte {
	c := &b.classes[class]
	chunk := c.chunks[block>>c.shift]
	start := int(block&(1<<c.shift-1)) * c.size
	return chunk[start : start+c.size : start+c.size]
}

func (b *blocks) alloc(class int, owner uint32) uint32 {
	c := &b.classes[class]
	for len(c.gaps) > 0 {
		gap := c.gaps[len(c.gaps)-1]
		c.gaps = c.gaps[:len(c.gaps)-1]
		if int(gap) < len(c.owners) {
			c.owners[gap] = owner
			return gap
		}
	}
	block := uint32(len(c.owners))
	c.owners = append(c.owners, owner)
	if int(block>>c.shift) == len(c.chunks) {
		c.chunks = append(c.chunks, make([]byte, c.size<<c.shift))
	}
	return block
}

// release takes a block back. Its bytes stay as they are until the next alloc.
func (b *blocks) release(class int, block uint32) {
	c := &b.classes[class]
	c.owners[block] = 0
	c.gaps = append(c.gaps, block)
	b.released |= 1 << class
}

// tidy moves last blocks into gaps while a class has more than a chunk and a
// sixteenth of gaps, and says where their owners find them. Its work is in
// proportion to what was released since the last time. The bytes where a block
// was stay as they are until the next alloc.
func (b *blocks) tidy(moved func(owner, block uint32)) {
	for b.released != 0 {
		i := bits.TrailingZeros64(b.released)
		b.released &^= 1 << i
		c := &b.classes[i]
		for len(c.gaps) > 1<<c.shift+len(c.owners)/16 {
			gap := c.gaps[len(c.gaps)-1]
			c.gaps = c.gaps[:len(c.gaps)-1]
			c.dropGapsAtEnd()
			last := len(c.owners) - 1
			if int(gap) > last {
				continue
			}
			copy(b.at(i, gap), b.at(i, uint32(last)))
			c.owners[gap] = c.owners[last]
			c.owners = c.owners[:last]
			moved(c.owners[gap], gap)
		}
		c.dropChunks()
	}
}

func (c *class) dropGapsAtEnd() {
	n := len(c.owners)
	for n > 0 && c.owners[n-1] == 0 {
		n--
	}
	c.owners = c.owners[:n]
}

// dropChunks gives memory behind the last block back, but for one chunk, so
// that a class at the edge of a chunk does not make and drop it all the time.
func (c *class) dropChunks() {
	need := (len(c.owners)+1<<c.shift-1)>>c.shift + 1
	for len(c.chunks) > need {
		c.chunks[len(c.chunks)-1] = nil
		c.chunks = c.chunks[:len(c.chunks)-1]
	}
}

// bytes is the memory of the blocks, their gaps included.
func (b *blocks) bytes() int {
	n := 0
	for i := range b.classes {
		n += len(b.classes[i].chunks) * b.classes[i].size << b.classes[i].shift
	}
	return n
}
