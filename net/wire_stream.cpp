#include "net/wire_stream.hpp"

namespace stadion::net {
namespace {

class wire_stream final : public board_subscriber {
public:
    wire_stream(std::shared_ptr<pending_call> pending, announce how)
        : pending_(std::move(pending)), how_(how) {}

    void begin(live_board& board, const live_board::request& wanted) {
        subscription_ = board.subscribe(*this, wanted);
    }
    void resume() {
        if (subscription_) subscription_->resume();
    }
    void end() {
        subscription_.reset();
        pending_->on_drained = nullptr;
    }

    void on_start(start_kind kind, std::uint64_t sequence, const event_batch& states) override {
        const bool says_so = kind == start_kind::reset ||
                             (kind == start_kind::snapshot && how_ == announce::snapshot_and_reset);
        if (says_so) {
            v1::Event event;
            event.set_sequence(sequence);
            event.mutable_reset()->set_states(static_cast<std::uint32_t>(states.size()));
            pending_->event(event.SerializeAsString());
        }
        for (const auto& state : states) pending_->event(state->payload());
    }
    void on_event(const board_event_ptr& event) override { pending_->event(event->payload()); }
    bool is_congested() const override { return pending_->is_congested(); }

private:
    std::shared_ptr<pending_call> pending_;
    announce how_;
    std::unique_ptr<live_board::subscription> subscription_;
};

} // namespace

void start_wire_stream(board_set& boards, std::shared_ptr<pending_call> pending,
                       const live_board::request& wanted, announce how) {
    auto stream = std::make_shared<wire_stream>(pending, how);
    // The call owns the stream by these two, the stream the call: until the call ends.
    pending->on_drained = [stream] { stream->resume(); };
    pending->on_abandoned = [stream] { stream->end(); };
    stream->begin(boards.of(pending->home()), wanted);
}

} // namespace stadion::net
