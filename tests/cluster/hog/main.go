// hog makes one kind of memory demand, so that a test knows the truth about it. Sizes are in Mi.
//
// It is also the pause process of a pod's sandbox when it is called `pause`.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	mebibyte    = 1 << 20
	page        = 4096
	exitSIGTERM = 128 + int(syscall.SIGTERM)
)

type demand struct {
	base, step, max int
	tick, after     time.Duration
	dir             string
	held            [][]byte // what is allocated and never given back
}

// hold allocates n Mi outside Go's own heap and touches every page: reserved memory is not charged to a cgroup.
func (d *demand) hold(n int) {
	memory, err := syscall.Mmap(-1, 0, n*mebibyte, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	fail(err)
	for i := 0; i < len(memory); i += page {
		memory[i] = byte(i/page) | 1
	}
	d.held = append(d.held, memory)
}

// grow takes step Mi each tick up to max.
func (d *demand) grow() {
	for total := d.base; total < d.max; total += d.step {
		time.Sleep(d.tick)
		d.hold(d.step)
		fmt.Println("holding", total+d.step, "Mi")
	}
}

// spike takes all of max at once.
func (d *demand) spike() { d.hold(d.max) }

// fill adds max Mi to a file, step Mi each tick, and goes on when the volume is full: on a memory-backed volume that is
// memory which no process holds, and which is there already when the container starts again.
func (d *demand) fill() {
	file, err := os.OpenFile(filepath.Join(d.dir, "filling"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	fail(err)
	buffer := make([]byte, mebibyte)
	for written := 0; written < d.max; written++ {
		if written%d.step == 0 {
			time.Sleep(d.tick)
		}
		file.Write(buffer)
	}
	file.Close()
}

// cache writes a file of max Mi and reads it for ever: page cache, which the kernel takes back when it needs it.
func (d *demand) cache() {
	path := filepath.Join(d.dir, "cached")
	file, err := os.Create(path)
	fail(err)
	buffer := make([]byte, mebibyte)
	for range d.max {
		file.Write(buffer)
	}
	file.Close()
	for {
		reader, err := os.Open(path)
		fail(err)
		io.CopyBuffer(io.Discard, struct{ io.Reader }{reader}, buffer)
		reader.Close()
		time.Sleep(d.tick)
	}
}

// children starts one growing child after the other: each is killed, this process is not.
func (d *demand) children() {
	for {
		child := exec.Command(os.Args[0], "-mode=grow", "-base=1", fmt.Sprintf("-step=%d", d.step), "-tick="+d.tick.String())
		fmt.Println("child ended:", child.Run())
		time.Sleep(5 * time.Second)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "hog:", err)
		os.Exit(1)
	}
}

func pause() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

// endOnSIGTERM exits as a shell reports it: the first process of a container has no default action for signals.
func endOnSIGTERM() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(exitSIGTERM)
	}()
}

func main() {
	if filepath.Base(os.Args[0]) == "pause" {
		pause()
		return
	}
	var d demand
	mode := flag.String("mode", "grow", "grow | plateau | spike | cache | child | tmpfs | exit")
	flag.IntVar(&d.base, "base", 20, "Mi taken at the start")
	flag.IntVar(&d.step, "step", 5, "Mi taken each tick")
	flag.IntVar(&d.max, "max", 1<<20, "Mi to stop at")
	flag.DurationVar(&d.tick, "tick", time.Second, "time between steps")
	flag.DurationVar(&d.after, "after", 0, "time between the base and the rest")
	flag.StringVar(&d.dir, "dir", "/tmp", "where cache and tmpfs write")
	code := flag.Int("code", 1, "exit code of mode exit")
	deaf := flag.Bool("deaf", false, "ignore SIGTERM, so that only SIGKILL ends it")
	flag.Parse()

	if *deaf {
		signal.Ignore(syscall.SIGTERM)
	} else {
		endOnSIGTERM()
	}
	if d.base > 0 {
		d.hold(d.base)
	}
	time.Sleep(d.after)
	switch *mode {
	case "grow":
		d.grow()
	case "spike":
		d.spike()
	case "cache":
		d.cache()
	case "child":
		d.children()
	case "tmpfs":
		d.fill()
	case "exit":
		os.Exit(*code)
	case "plateau":
	default:
		fail(fmt.Errorf("unknown mode %q", *mode))
	}
	for { // keep what is held
		time.Sleep(time.Hour)
		_ = d.held
	}
}
