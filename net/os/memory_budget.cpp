#include "net/os/memory_budget.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stadion::net {
namespace {

constexpr std::size_t publish_every = 64 * 1024;
constexpr unsigned read_every = 16;  // calls of bytes_held for one reading of the slots
constexpr unsigned check_every = 64; // readings for one check whether their processes live
constexpr std::size_t slots_max = 128;
constexpr std::uint64_t magic = 0x31746764'6d656d73; // identifies this layout

struct slot {
    std::atomic<std::uint64_t> owner; // start time in ticks << 24 | pid; 0: free
    std::atomic<std::uint64_t> bytes;
};
struct shared_counts {
    std::atomic<std::uint64_t> layout;
    std::atomic<std::uint64_t> used; // no slot from here on was ever taken
    slot slots[slots_max];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> published{0};
std::atomic<std::size_t> elsewhere{0};
std::atomic<shared_counts*> shared{nullptr};
std::atomic<slot*> own{nullptr};

// When a process started, in clock ticks since boot; 0 when there is none.
std::uint64_t start_of(std::uint64_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(file, text)) return 0;
    // The second field is the program's name in parentheses and may hold anything; the 22nd is the start
    // time.
    const auto bracket = text.rfind(')');
    if (bracket == std::string::npos) return 0;
    std::size_t at = bracket + 1;
    for (int field = 3; field <= 22; ++field) {
        at = text.find_first_not_of(' ', at);
        if (at == std::string::npos) return 0;
        if (field == 22) return std::strtoull(text.c_str() + at, nullptr, 10);
        at = text.find(' ', at);
        if (at == std::string::npos) return 0;
    }
    return 0;
}

std::uint64_t owner_of(std::uint64_t pid) { return start_of(pid) << 24 | (pid & 0xffffff); }

bool is_alive(std::uint64_t owner) {
    const auto pid = owner & 0xffffff;
    return owner_of(pid) == owner;
}

slot* take_slot(shared_counts& all) {
    const auto me = owner_of(static_cast<std::uint64_t>(::getpid()));
    for (std::size_t i = 0; i < slots_max; ++i) {
        auto& one = all.slots[i];
        auto before = one.owner.load();
        if (before != 0 && is_alive(before)) continue;
        if (!one.owner.compare_exchange_strong(before, me)) continue;
        one.bytes = 0;
        for (auto used = all.used.load(); used < i + 1 && !all.used.compare_exchange_weak(used, i + 1);) {
        }
        return &one;
    }
    return nullptr;
}

void read_slots() {
    auto* all = shared.load(std::memory_order_relaxed);
    if (all == nullptr) return;
    thread_local unsigned readings = 0;
    const bool check = ++readings % check_every == 0;
    const auto* mine = own.load(std::memory_order_relaxed);
    std::size_t total = 0;
    const auto used = std::min<std::uint64_t>(all->used.load(std::memory_order_relaxed), slots_max);
    for (std::size_t i = 0; i < used; ++i) {
        auto& one = all->slots[i];
        const auto bytes = one.bytes.load(std::memory_order_relaxed);
        if (&one == mine || bytes == 0) continue;
        auto owner = one.owner.load(std::memory_order_relaxed);
        if (check && owner != 0 && !is_alive(owner)) {
            if (one.owner.compare_exchange_strong(owner, 0)) one.bytes = 0;
            continue;
        }
        if (owner != 0) total += bytes;
    }
    elsewhere.store(total, std::memory_order_relaxed);
}

void publish(std::size_t now) noexcept {
    published.store(now, std::memory_order_relaxed);
    if (auto* mine = own.load(std::memory_order_relaxed)) mine->bytes.store(now, std::memory_order_relaxed);
}

// The memory of the machine, or less when a control group bounds it.
std::size_t memory_size() {
    const auto pages = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES));
    auto size = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const auto* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::ifstream file(path);
        std::size_t bound = 0;
        if (file >> bound && bound != 0) size = std::min(size, bound);
    }
    return size;
}

wire::error failed(const std::string& what, const std::filesystem::path& path) {
    return wire::make_error(wire::status::unavailable,
                            what + " " + path.string() + ": " + std::strerror(errno));
}

} // namespace

void held_bytes::set(std::size_t now) noexcept {
    if (now == counted_) return;
    const auto difference = now - counted_; // wraps around when it is negative
    counted_ = now;
    const auto total = held.fetch_add(difference, std::memory_order_relaxed) + difference;
    const auto said = published.load(std::memory_order_relaxed);
    if (total > said + publish_every || total + publish_every < said || (total == 0 && said != 0))
        publish(total);
}

std::size_t bytes_held_here() noexcept { return held.load(std::memory_order_relaxed); }

std::size_t bytes_held() noexcept {
    thread_local unsigned asked = 0;
    if (asked++ % read_every == 0) read_slots();
    return bytes_held_here() + elsewhere.load(std::memory_order_relaxed);
}

std::size_t bytes_held_max() noexcept {
    static const auto quarter = memory_size() / 4;
    return own.load(std::memory_order_relaxed) != nullptr ? quarter : quarter / 8;
}

std::filesystem::path memory_budget_path() {
    const auto name = "stadion-memory-" + std::to_string(::getuid());
    if (const auto* folder = std::getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder == '/')
        return std::filesystem::path(folder) / name;
    return std::filesystem::path("/dev/shm") / name;
}

wire::result<void> join_memory_budget(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return failed("cannot open", path);
    struct ::stat found {};
    const bool is_ours = ::fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::getuid() &&
                         (found.st_mode & 0077) == 0;
    if (!is_ours) {
        ::close(file);
        return wire::make_error(wire::status::failed_precondition,
                                path.string() + " belongs to another user, or others may write it");
    }
    if (::ftruncate(file, sizeof(shared_counts)) != 0) {
        ::close(file);
        return failed("cannot extend", path);
    }
    void* mapped = ::mmap(nullptr, sizeof(shared_counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (mapped == MAP_FAILED) return failed("cannot map", path);
    auto* all = static_cast<shared_counts*>(mapped);
    std::uint64_t layout = 0;
    if (!all->layout.compare_exchange_strong(layout, magic) && layout != magic) {
        ::munmap(mapped, sizeof(shared_counts));
        return wire::make_error(wire::status::failed_precondition, path.string() + " is of another version");
    }
    auto* mine = take_slot(*all);
    if (mine == nullptr) {
        ::munmap(mapped, sizeof(shared_counts));
        return wire::make_error(wire::status::resource_exhausted,
                                path.string() + " counts as many processes as it can already");
    }
    mine->bytes = bytes_held_here();
    own = mine;
    shared = all;
    return {};
}

} // namespace stadion::net
