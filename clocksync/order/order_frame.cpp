#include "clocksync/order/order_frame.hpp"

#include <array>

namespace stadion::clocksync {
namespace {

constexpr std::uint64_t flag_batch = 1;
constexpr std::uint64_t flag_asks = 2;
constexpr std::uint64_t items_max = 4096; // items of any list but messages

// ---- writing: one overload for each kind of field, then each frame is the list of its fields

class writer {
public:
    explicit writer(std::string& out) : out_(out) {}

    template <typename... Fields>
    void all(const Fields&... fields) {
        (put(fields), ...);
    }

private:
    void put(std::uint64_t value) { append_varint(out_, value); }
    void put(std::uint32_t value) { append_varint(out_, value); }
    void put(const view_id& v) { all(v.epoch, v.serial); }
    void put(const ring_member& m) { all(m.id, m.incarnation); }
    void put(const held& h) { all(h.sender, h.timestamp); }
    void put(const cut_entry& c) { all(c.sender, c.timestamp, c.holder); }
    void put(const delivered_number& d) { all(d.origin, d.incarnation, d.number, d.index); }
    void put(const std::string& s) { append_message(out_, s); }
    void put(const batch& b) {
        all(b.timestamp, b.previous, b.incarnation, b.first_number, b.count);
        append_message(out_, b.messages());
    }
    void put(const propose_frame& p) {
        all(p.proposal, p.base, p.members, p.survivors, p.cut, p.donor, p.began_us);
    }
    template <typename T>
    void put(const std::vector<T>& items) {
        append_varint(out_, items.size());
        for (const T& item : items) put(item);
    }
    template <typename T>
    void put(const std::optional<T>& maybe) {
        append_varint(out_, maybe ? 1 : 0);
        if (maybe) put(*maybe);
    }

    std::string& out_;
};

void write(std::string& out, const data_frame& f) {
    append_data_header(out, f);
    if (f.messages) out.append(f.messages->messages());
}
void write(std::string& out, const resend_frame& f) { writer(out).all(f.view, f.after); }
void write(std::string& out, const stop_frame& f) { writer(out).all(f.proposal, f.ring); }
void write(std::string& out, const report_frame& f) {
    writer(out).all(f.proposal, f.incarnation, f.installed, f.holdings, f.confirmed);
}
void write(std::string& out, const propose_frame& f) { writer(out).all(f); }
void write(std::string& out, const fetch_frame& f) {
    writer(out).all(f.proposal, f.sender, f.after, f.up_to);
}
void write(std::string& out, const fill_frame& f) { writer(out).all(f.proposal, f.sender, f.batches); }
void write(std::string& out, const confirm_frame& f) { writer(out).all(f.proposal); }
void write(std::string& out, const commit_frame& f) { writer(out).all(f.epoch, f.proposal); }
void write(std::string& out, const installed_frame& f) { writer(out).all(f.view); }
void write(std::string& out, const state_frame& f) {
    writer(out).all(f.view, f.history, f.began_us, f.index, f.delivered, f.offset, f.total, f.snapshot);
}
void write(std::string& out, const stale_frame& f) { writer(out).all(f.epoch); }
void write(std::string& out, const taken_frame& f) { writer(out).all(f.view, f.bytes); }

// ---- reading: the same list of fields; the first that does not parse makes the whole frame bad

class reader {
public:
    explicit reader(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)), rest_(*bytes_) {}

    template <typename... Fields>
    bool all(Fields&... fields) {
        return (get(fields) && ...);
    }
    bool at_end() const { return rest_.empty(); }
    void skip_kind() { rest_.remove_prefix(1); }
    std::size_t offset() const { return bytes_->size() - rest_.size(); }
    const std::shared_ptr<const std::string>& storage() const { return bytes_; }

    // Exactly `b.count` messages must fill the next `size` bytes.
    bool messages(batch& b, std::size_t size) {
        b.storage = bytes_;
        b.offset = offset();
        b.size = size;
        std::string_view body = rest_.substr(0, size);
        std::string_view message;
        for (std::uint64_t i = 0; i < b.count; ++i)
            if (!take_bytes(body, message)) return false;
        rest_.remove_prefix(size);
        return body.empty() && b.count > 0;
    }
    std::size_t left() const { return rest_.size(); }

private:
    bool get(std::uint64_t& value) { return take_varint(rest_, value); }
    bool get(std::uint32_t& value) {
        std::uint64_t wide;
        if (!take_varint(rest_, wide) || wide > 0xffffffff) return false;
        value = static_cast<std::uint32_t>(wide);
        return true;
    }
    bool get(view_id& v) { return all(v.epoch, v.serial); }
    bool get(ring_member& m) { return all(m.id, m.incarnation); }
    bool get(held& h) { return all(h.sender, h.timestamp); }
    bool get(cut_entry& c) { return all(c.sender, c.timestamp, c.holder); }
    bool get(delivered_number& d) { return all(d.origin, d.incarnation, d.number, d.index); }
    bool get(std::string& s) {
        std::string_view view;
        if (!take_bytes(rest_, view)) return false;
        s = view;
        return true;
    }
    bool get(batch& b) {
        std::uint64_t size;
        return all(b.timestamp, b.previous, b.incarnation, b.first_number, b.count) &&
               take_varint(rest_, size) && size <= rest_.size() && messages(b, size);
    }
    bool get(propose_frame& p) {
        return all(p.proposal, p.base, p.members, p.survivors, p.cut, p.donor, p.began_us);
    }
    template <typename T>
    bool get(std::vector<T>& items) {
        std::uint64_t size;
        if (!take_varint(rest_, size) || size > items_max || size > rest_.size()) return false;
        items.resize(size);
        for (T& item : items)
            if (!get(item)) return false;
        return true;
    }
    template <typename T>
    bool get(std::optional<T>& maybe) {
        std::uint64_t present;
        if (!take_varint(rest_, present) || present > 1) return false;
        return present == 0 || get(maybe.emplace());
    }

    std::shared_ptr<const std::string> bytes_;
    std::string_view rest_;
};

bool read(reader& in, data_frame& f) {
    std::uint64_t flags;
    if (!in.all(f.view, f.timestamp, f.previous, flags, f.holds)) return false;
    f.asks = (flags & flag_asks) != 0;
    if ((flags & flag_batch) == 0) return true;
    batch& b = f.messages.emplace();
    b.timestamp = f.timestamp;
    b.previous = f.previous;
    return in.all(b.incarnation, b.first_number, b.count) && in.messages(b, in.left());
}
bool read(reader& in, resend_frame& f) { return in.all(f.view, f.after); }
bool read(reader& in, stop_frame& f) { return in.all(f.proposal, f.ring); }
bool read(reader& in, report_frame& f) {
    return in.all(f.proposal, f.incarnation, f.installed, f.holdings, f.confirmed);
}
bool read(reader& in, propose_frame& f) { return in.all(f); }
bool read(reader& in, fetch_frame& f) { return in.all(f.proposal, f.sender, f.after, f.up_to); }
bool read(reader& in, fill_frame& f) { return in.all(f.proposal, f.sender, f.batches); }
bool read(reader& in, confirm_frame& f) { return in.all(f.proposal); }
bool read(reader& in, commit_frame& f) { return in.all(f.epoch, f.proposal); }
bool read(reader& in, installed_frame& f) { return in.all(f.view); }
bool read(reader& in, state_frame& f) {
    return in.all(f.view, f.history, f.began_us, f.index, f.delivered, f.offset, f.total, f.snapshot);
}
bool read(reader& in, stale_frame& f) { return in.all(f.epoch); }
bool read(reader& in, taken_frame& f) { return in.all(f.view, f.bytes); }

template <typename Frame>
bool read_into(reader& in, order_frame& out) {
    return read(in, out.emplace<Frame>()) && in.at_end();
}

// Indexed by the kind less 1: the alternatives of order_frame in their order.
using read_function = bool (*)(reader&, order_frame&);
template <std::size_t... I>
constexpr auto make_readers(std::index_sequence<I...>) {
    return std::array<read_function, sizeof...(I)>{&read_into<std::variant_alternative_t<I, order_frame>>...};
}
constexpr auto readers = make_readers(std::make_index_sequence<std::variant_size_v<order_frame>>{});

} // namespace

std::string encode(const order_frame& frame) {
    std::string out(1, static_cast<char>(frame.index() + 1));
    if (std::holds_alternative<data_frame>(frame)) out.clear(); // its header writes the kind itself
    std::visit([&](const auto& f) { write(out, f); }, frame);
    return out;
}

wire::result<order_frame> decode(std::shared_ptr<const std::string> bytes) {
    const auto malformed = [] {
        return wire::make_error(wire::status::invalid_argument, "malformed frame of the ordered multicast");
    };
    if (bytes->empty()) return malformed();
    const auto kind = static_cast<std::size_t>(static_cast<unsigned char>(bytes->front())) - 1;
    if (kind >= readers.size()) return malformed();
    reader in(std::move(bytes));
    in.skip_kind();
    order_frame frame;
    if (!readers[kind](in, frame)) return malformed();
    return frame;
}

void append_data_header(std::string& out, const data_frame& frame) {
    out.push_back(1);
    const std::uint64_t flags = (frame.messages ? flag_batch : 0) | (frame.asks ? flag_asks : 0);
    writer(out).all(frame.view, frame.timestamp, frame.previous, flags, frame.holds);
    if (frame.messages)
        writer(out).all(frame.messages->incarnation, frame.messages->first_number, frame.messages->count);
}

void append_message(std::string& messages, std::string_view message) {
    append_varint(messages, message.size());
    messages.append(message);
}

void pack_frame(std::string& frames, std::string_view frame) { append_message(frames, frame); }

} // namespace stadion::clocksync
