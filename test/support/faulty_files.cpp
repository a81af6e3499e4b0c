#include "test/support/faulty_files.hpp"

#include <algorithm>
#include <utility>

namespace stadion::test {
namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::error_code code(std::errc which) { return std::make_error_code(which); }

std::error_code error_of(fault how) {
    return code(how == fault::no_space ? std::errc::no_space_on_device : std::errc::io_error);
}

} // namespace

void simulated_disk::change_names(name_map& names, const disk_change& change) {
    using kind = disk_change::kind;
    if (change.what == kind::create) names[change.path] = change.inode;
    if (change.what == kind::remove) names.erase(change.path);
    if (change.what == kind::exchange) std::swap(names[change.path], names[change.other]);
    if (change.what == kind::rename)
        if (const auto from = names.find(change.path); from != names.end()) {
            const std::uint64_t moved = from->second;
            names.erase(from);
            names[change.other] = moved;
        }
}

void simulated_disk::change_bytes(std::string& bytes, const disk_change& change) {
    if (change.what == disk_change::kind::truncate) return bytes.resize(change.offset, '\0');
    if (bytes.size() < change.offset + change.bytes.size())
        bytes.resize(change.offset + change.bytes.size(), '\0');
    bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

void simulated_disk::apply(const disk_change& change) {
    using kind = disk_change::kind;
    switch (change.what) {
    case kind::create:
        inodes_[change.inode];
        next_inode_ = std::max(next_inode_, change.inode + 1);
        [[fallthrough]];
    case kind::remove:
    case kind::exchange:
    case kind::rename:
        change_names(names_, change);
        unsynced_names_[directory_of(change.path)].push_back(change);
        break;
    case kind::sync_directory:
        for (const disk_change& one : unsynced_names_[change.path]) change_names(durable_names_, one);
        unsynced_names_[change.path].clear();
        break;
    case kind::write:
    case kind::truncate: {
        stored_file& of = inodes_.at(change.inode);
        change_bytes(of.cached, change);
        of.unsynced.push_back(change);
        break;
    }
    case kind::sync: {
        stored_file& of = inodes_.at(change.inode);
        for (const disk_change& one : of.unsynced) change_bytes(of.durable, one);
        of.unsynced.clear();
        break;
    }
    case kind::failed_sync: {
        // What was not written is clean in the cache and lost: the next sync will not write it.
        stored_file& of = inodes_.at(change.inode);
        std::mt19937 random(change.seed);
        for (const disk_change& one : of.unsynced) keep_some(of.durable, one, crash_style::random, random);
        of.unsynced.clear();
        break;
    }
    }
}

void simulated_disk::keep_some(std::string& bytes, const disk_change& change, crash_style style,
                               std::mt19937& random) {
    if (style == crash_style::keep_all) return change_bytes(bytes, change);
    if (change.what == disk_change::kind::truncate) {
        if (random() % 2) change_bytes(bytes, change);
        return;
    }
    for (std::uint64_t from = change.offset, end = change.offset + change.bytes.size(); from < end;) {
        const std::uint64_t to = std::min(end, (from / sector_bytes + 1) * sector_bytes);
        if (random() % 2) {
            disk_change piece = {.bytes = change.bytes.substr(from - change.offset, to - from)};
            piece.offset = from;
            change_bytes(bytes, piece);
        }
        from = to;
    }
}

simulated_disk simulated_disk::crashed(crash_style style, std::mt19937& random) const {
    simulated_disk after;
    after.next_inode_ = next_inode_;
    after.durable_names_ = durable_names_;
    for (const auto& [directory, changes] : unsynced_names_) {
        if (style == crash_style::drop_all || changes.empty()) continue;
        const std::size_t kept =
            style == crash_style::keep_all ? changes.size() : random() % (changes.size() + 1);
        for (std::size_t i = 0; i < kept; ++i) change_names(after.durable_names_, changes[i]);
    }
    for (const auto& [path, number] : after.durable_names_) {
        if (number == 0) continue;
        stored_file& into = after.inodes_[number];
        const stored_file& from = inodes_.at(number);
        into.durable = from.durable;
        if (style != crash_style::drop_all)
            for (const disk_change& one : from.unsynced) keep_some(into.durable, one, style, random);
        into.cached = into.durable;
    }
    after.names_ = after.durable_names_;
    return after;
}

const std::string* simulated_disk::contents(const std::string& path) const {
    const auto at = names_.find(path);
    return at == names_.end() ? nullptr : &inodes_.at(at->second).cached;
}

std::optional<std::uint64_t> simulated_disk::inode_of(const std::string& path) const {
    const auto at = names_.find(path);
    return at == names_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::string> simulated_disk::names(const std::string& directory) const {
    std::vector<std::string> found;
    const std::string prefix = directory + "/";
    for (auto at = names_.lower_bound(prefix); at != names_.end() && at->first.starts_with(prefix); ++at)
        if (at->first.find('/', prefix.size()) == std::string::npos)
            found.push_back(at->first.substr(prefix.size()));
    return found;
}

std::uint64_t simulated_disk::used_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, number] : names_) bytes += inodes_.at(number).cached.size();
    return bytes;
}

std::uint64_t simulated_disk::fingerprint() const {
    std::uint64_t all = 0;
    const auto mix = [&all](std::string_view text) {
        all = (all ^ std::hash<std::string_view>{}(text)) * 0x9e3779b97f4a7c15u;
        all ^= all >> 32;
    };
    for (const auto& [path, number] : names_) {
        if (number == 0) continue;
        mix(path);
        mix(inodes_.at(number).cached);
    }
    return all;
}

class faulty_files::open_file final : public dbserver::file {
public:
    open_file(faulty_files& in, std::string path, std::uint64_t inode)
        : in_(in), path_(std::move(path)), inode_(inode) {}
    ~open_file() override {
        std::lock_guard hold(in_.lock_);
        if (holds_lock_) in_.locked_[inode_] = false;
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;

    std::error_code write_at(std::uint64_t offset, std::string_view bytes, std::size_t& written) override {
        std::lock_guard hold(in_.lock_);
        written = 0;
        const fault how = in_.next_fault();
        const std::uint64_t size = in_.disk_.cached(inode_).size();
        const std::uint64_t growth = offset + bytes.size() > size ? offset + bytes.size() - size : 0;
        if (growth > 0 && in_.capacity_ != UINT64_MAX && in_.disk_.used_bytes() + growth > in_.capacity_)
            return code(std::errc::no_space_on_device);
        if (how == fault::input_output_error || how == fault::no_space) return error_of(how);
        if (how != fault::none) bytes = bytes.substr(0, bytes.size() / 2);
        in_.apply({.what = disk_change::kind::write,
                   .path = path_,
                   .inode = inode_,
                   .offset = offset,
                   .bytes = std::string(bytes)});
        if (how == fault::torn_write) return error_of(how);
        written = bytes.size();
        return {};
    }
    std::error_code read_at(std::uint64_t offset, std::size_t length, std::string& bytes) override {
        std::lock_guard hold(in_.lock_);
        if (const fault how = in_.next_fault(); how != fault::none) return error_of(how);
        const std::string& all = in_.disk_.cached(inode_);
        bytes = offset < all.size() ? all.substr(offset, length) : std::string();
        return {};
    }
    std::error_code sync_data() override {
        std::lock_guard hold(in_.lock_);
        const fault how = in_.next_fault();
        in_.apply({.what = how == fault::none ? disk_change::kind::sync : disk_change::kind::failed_sync,
                   .path = path_,
                   .inode = inode_,
                   .seed = static_cast<std::uint32_t>(in_.calls_)});
        return how == fault::none ? std::error_code{} : error_of(how);
    }
    std::error_code sync() override { return sync_data(); }
    std::error_code allocate(std::uint64_t length) override {
        std::lock_guard hold(in_.lock_);
        if (const fault how = in_.next_fault(); how != fault::none) return error_of(how);
        const std::uint64_t size = in_.disk_.cached(inode_).size();
        if (length <= size) return {};
        if (in_.capacity_ != UINT64_MAX && in_.disk_.used_bytes() + length - size > in_.capacity_)
            return code(std::errc::no_space_on_device);
        return resize(length);
    }
    std::error_code truncate(std::uint64_t length) override {
        std::lock_guard hold(in_.lock_);
        if (const fault how = in_.next_fault(); how != fault::none) return error_of(how);
        return resize(length);
    }
    std::error_code size(std::uint64_t& bytes) override {
        std::lock_guard hold(in_.lock_);
        if (const fault how = in_.next_fault(); how != fault::none) return error_of(how);
        bytes = in_.disk_.cached(inode_).size();
        return {};
    }
    std::error_code try_lock() override {
        std::lock_guard hold(in_.lock_);
        if (const fault how = in_.next_fault(); how != fault::none) return error_of(how);
        if (in_.locked_[inode_]) return code(std::errc::operation_would_block);
        return in_.locked_[inode_] = holds_lock_ = true, std::error_code{};
    }

private:
    std::error_code resize(std::uint64_t length) {
        in_.apply({.what = disk_change::kind::truncate, .path = path_, .inode = inode_, .offset = length});
        return {};
    }

    faulty_files& in_;
    const std::string path_;
    const std::uint64_t inode_;
    bool holds_lock_ = false;
};

void faulty_files::fail_call(std::uint64_t number, fault how, bool lasting) {
    std::lock_guard hold(lock_);
    fail_at_ = number;
    how_ = how;
    lasting_ = lasting;
}

void faulty_files::lift_fault() { fail_call(UINT64_MAX, fault::none); }

void faulty_files::set_capacity(std::uint64_t bytes) {
    std::lock_guard hold(lock_);
    capacity_ = bytes;
}

std::uint64_t faulty_files::calls() const {
    std::lock_guard hold(lock_);
    return calls_;
}

std::vector<std::uint64_t> faulty_files::calls_about_names() const {
    std::lock_guard hold(lock_);
    return calls_about_names_;
}

std::vector<disk_change> faulty_files::trace() const {
    std::lock_guard hold(lock_);
    return trace_;
}

std::size_t faulty_files::trace_size() const {
    std::lock_guard hold(lock_);
    return trace_.size();
}

simulated_disk faulty_files::disk() const {
    std::lock_guard hold(lock_);
    return disk_;
}

fault faulty_files::next_fault() {
    const std::uint64_t number = calls_++;
    return number == fail_at_ || (lasting_ && number > fail_at_) ? how_ : fault::none;
}

void faulty_files::apply(disk_change change) {
    disk_.apply(change);
    if (recording_) trace_.push_back(std::move(change));
    if (on_change) on_change();
}

std::error_code faulty_files::open(const std::string& path, dbserver::open_mode mode,
                                   std::unique_ptr<dbserver::file>& opened) {
    std::unique_ptr<dbserver::file> before; // closed without the lock held
    std::lock_guard hold(lock_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    auto inode = disk_.inode_of(path);
    if (!inode) {
        if (mode != dbserver::open_mode::create) return code(std::errc::no_such_file_or_directory);
        inode = disk_.next_inode();
        apply({.what = disk_change::kind::create, .path = path, .inode = *inode});
    }
    before = std::exchange(opened, std::make_unique<open_file>(*this, path, *inode));
    return {};
}

std::error_code faulty_files::rename(const std::string& from, const std::string& to) {
    std::lock_guard hold(lock_);
    calls_about_names_.push_back(calls_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    if (!disk_.inode_of(from)) return code(std::errc::no_such_file_or_directory);
    apply({.what = disk_change::kind::rename, .path = from, .other = to});
    return {};
}

std::error_code faulty_files::exchange(const std::string& one, const std::string& other) {
    std::lock_guard hold(lock_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    apply({.what = disk_change::kind::exchange, .path = one, .other = other});
    return {};
}

std::error_code faulty_files::remove(const std::string& path) {
    std::lock_guard hold(lock_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    if (!disk_.inode_of(path)) return code(std::errc::no_such_file_or_directory);
    apply({.what = disk_change::kind::remove, .path = path});
    return {};
}

// Directories are taken to be there: what is lost with one is lost with the names in it.
std::error_code faulty_files::make_directory(const std::string&) {
    std::lock_guard hold(lock_);
    const fault how = next_fault();
    return how == fault::none ? std::error_code{} : error_of(how);
}

std::error_code faulty_files::sync_directory(const std::string& path) {
    std::lock_guard hold(lock_);
    calls_about_names_.push_back(calls_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    apply({.what = disk_change::kind::sync_directory, .path = path});
    return {};
}

std::error_code faulty_files::list(const std::string& path, std::vector<std::string>& names) {
    std::lock_guard hold(lock_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    names = disk_.names(path);
    return {};
}

std::error_code faulty_files::free_bytes(const std::string&, std::uint64_t& bytes) {
    std::lock_guard hold(lock_);
    if (const fault how = next_fault(); how != fault::none) return error_of(how);
    const std::uint64_t used = disk_.used_bytes();
    bytes = capacity_ == UINT64_MAX ? std::uint64_t{1} << 40 : capacity_ > used ? capacity_ - used : 0;
    return {};
}

} // namespace stadion::test
