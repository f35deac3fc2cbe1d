// SPDX-License-Identifier: Apache-2.0
//
// A heap of some 200 MB under G1, which is looked through as a whole in every round, while threads
// make garbage. READY; then in each round: ROUND <n> <entries> <sum of all values>, or BAD <why>.
//
// In round n the entries of class n modulo CLASSES get new values (their number and n), as new objects;
// so the sum is a function of n alone, which the test computes itself.
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

class Heap {
  static final int CLASSES = 97, EACH = 6000, WORDS = 30, GARBAGE_MAKERS = 3, FULL_COLLECTION_EVERY = 7;
  static final Map<Integer, long[]> entries = new ConcurrentHashMap<>();
  static final AtomicLong garbage = new AtomicLong();

  static long[] value(int entry, int round) {
    long[] words = new long[WORDS];
    java.util.Arrays.fill(words, 31L * entry + round);
    return words;
  }

  static void bad(String why) {
    System.out.println("BAD " + why);
    System.exit(1);
  }

  static void makeGarbage(int seed) {
    Random random = new Random(seed);
    byte[][] held = new byte[64][];
    while (true) {
      int i = random.nextInt(held.length);
      byte[] old = held[i];
      if (old != null && (old[0] != (byte) i || old[old.length - 1] != (byte) i)) bad("a block of a thread");
      byte[] block = new byte[1000 + random.nextInt(50_000)];
      block[0] = block[block.length - 1] = (byte) i;
      held[i] = block;
      garbage.incrementAndGet();
      if (i % 8 == 0) pause(1);
    }
  }

  static void pause(int milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException error) {
      bad("interrupted");
    }
  }

  static long sum(int round) {
    long sum = 0;
    for (Map.Entry<Integer, long[]> entry : entries.entrySet()) {
      long[] words = entry.getValue();
      for (long word : words)
        if (word != words[0]) bad("entry " + entry.getKey() + " in round " + round);
      sum += words[0];
    }
    return sum;
  }

  public static void main(String[] arguments) {
    for (int entry = 0; entry < CLASSES * EACH; entry++) entries.put(entry, value(entry, 0));
    for (int i = 0; i < GARBAGE_MAKERS; i++) {
      int seed = i;
      new Thread(() -> makeGarbage(seed)).start();
    }
    System.out.println("READY");
    for (int round = 1;; round++) {
      for (int entry = round % CLASSES; entry < CLASSES * EACH; entry += CLASSES)
        entries.put(entry, value(entry, round));
      long before = garbage.get();
      System.out.println("ROUND " + round + " " + entries.size() + " " + sum(round));
      if (round % FULL_COLLECTION_EVERY == 0) System.gc();
      while (garbage.get() == before) pause(1);  // the other threads live as well
      pause(50);
    }
  }
}
