// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";

/// @notice Two renters, each with a session key, two providers, a lane of either kind between each: they do everything
/// the ledger offers in any order, honest or not. Beside the ledger the handler keeps its own books (ghosts), from
/// what was signed and from what balances did, never from the ledger's own lanes.
contract LedgerHandler is Base {
    struct Way {
        address renter;
        address provider;
        uint64 number;
        uint256 account; // the renter's secret
        uint256 session; // its session key's secret; 0: not a session lane
    }

    struct Accepted {
        uint256 way;
        uint40 acceptedAt;
        ILedger.V voucher;
    }

    Way[] public ways;
    address[2] public renters;
    address[2] public providers;
    uint256[2] private secrets;
    uint256[2] private sessions;

    // Ghosts.
    uint256 public put; // coins that went in
    uint256 public taken; // coins that came out
    mapping(uint256 way => uint256) public highestSigned;
    mapping(uint256 way => uint256) public credited;
    mapping(uint256 way => uint40) public releaseDue; // 0: none started since the last release or waiver
    mapping(uint256 way => uint256) public ends; // releases and waivers
    mapping(uint256 renter => uint256) public highestAllowance;
    mapping(uint256 renter => uint256) public bookedBySession;
    Accepted[] private vouchers; // all that were ever signed
    Accepted[] private accepted;
    mapping(uint256 at => uint256) private signedIn; // ends of the lane when reserve `at` was signed
    mapping(uint256 at => uint256) private signedFor;
    ILedger.SignedRes[] private reserves;

    // What must never happen.
    bool public staleReserveWorked;
    bool public strayKeyWorked;
    bool public exitedPastCap;

    constructor(IERC20 token_, ILedger ledger_) {
        (token, ledger) = (token_, ledger_);
        renters = [renter, renter2];
        providers = [provider, provider2];
        secrets = [RENTER, RENTER_2];
        sessions = [RENTER_KEY, uint256(keccak256("another renter's session key"))];
        for (uint256 r; r < 2; ++r) {
            for (uint256 p; p < 2; ++p) {
                ways.push(Way(renters[r], providers[p], LANE, secrets[r], 0));
                ways.push(
                    Way(renters[r], providers[p], laneOf(vm.addr(sessions[r]), uint32(p)), secrets[r], sessions[r])
                );
            }
        }
    }

    function begin() external {
        for (uint256 i; i < 2; ++i) {
            token.transfer(renters[i], FUNDS);
            vm.prank(renters[i]);
            token.approve(address(ledger), type(uint256).max);
        }
    }

    // ---- what renters do ----

    function deposit(uint256 who, uint96 amount) external {
        amount = uint96(bound(amount, 1, 10 ether));
        if (token.balanceOf(renters[who % 2]) < amount) return;
        put += amount;
        deposit(renters[who % 2], amount);
    }

    function reserve(uint256 i, uint96 cap) external {
        i %= ways.length;
        Way memory w = ways[i];
        cap = _cap(i, cap);
        reserve(w.renter, w.provider, w.number, cap);
    }

    /// @dev Signs a Reserve and keeps it: it may be submitted now, later, or after it should have died.
    function signReserve(uint256 i, uint96 cap, bool bySession, bool now__) external {
        i %= ways.length;
        Way memory w = ways[i];
        uint256 key = bySession && w.session != 0 ? w.session : w.account;
        ILedger.Lane memory lane = laneOf(w.renter, w.provider, w.number);
        ILedger.SignedRes memory x =
            ILedger.SignedRes(w.renter, w.provider, w.number, lane.epoch, _cap(i, cap), now_() + 365 days, 0, 0);
        (x.r, x.vs) = compact(key, ledger.reserveDigest(x.renter, x.provider, x.lane, x.epoch, x.cap, x.validUntil));
        signedIn[reserves.length] = ends[i];
        signedFor[reserves.length] = i;
        reserves.push(x);
        if (now__) submitReserve(reserves.length - 1);
    }

    /// @dev A thief of a session key books all that it may.
    function bookAll(uint256 i) external {
        i = i % ways.length | 1; // the odd ones are session lanes
        Way memory w = ways[i];
        (uint96 allowance,, uint96 booked) = ledger.signers(w.renter, vm.addr(w.session));
        uint96 left = allowance > booked ? allowance - booked : 0;
        if (left > depositOf(w.renter)) left = depositOf(w.renter);
        ILedger.Lane memory lane = laneOf(w.renter, w.provider, w.number);
        signedIn[reserves.length] = ends[i];
        signedFor[reserves.length] = i;
        reserves.push(signedRes(w.session, w.renter, w.provider, w.number, lane.epoch, lane.cap + left));
        submitReserve(reserves.length - 1);
    }

    function submitReserve(uint256 at) public {
        if (reserves.length == 0) return;
        at %= reserves.length;
        uint256 i = signedFor[at];
        Way memory w = ways[i];
        uint96 before = laneOf(w.renter, w.provider, w.number).cap;
        uint96 depositBefore = depositOf(w.renter);
        try ledger.reserveFor(one(reserves[at])) {
            bool raised = laneOf(w.renter, w.provider, w.number).cap != before;
            if (raised && signedIn[at] != ends[i]) staleReserveWorked = true;
            // A session's booking, told by its signature and not by what the ledger noted.
            if (_signedBySession(at, w)) bookedBySession[_index(w.renter)] += depositBefore - depositOf(w.renter);
        } catch {}
    }

    /// @dev A session key signs for a lane that is not its own.
    function stray(uint256 i, uint96 amount, bool reserves_) external {
        i %= ways.length;
        Way memory w = ways[i];
        if (w.session != 0) return;
        uint256 key = sessions[_index(w.renter)];
        ILedger.Lane memory lane = laneOf(w.renter, w.provider, w.number);
        if (reserves_) {
            ILedger.SignedRes memory x = signedRes(key, w.renter, w.provider, w.number, lane.epoch, _cap(i, amount));
            try ledger.reserveFor(one(x)) {
                if (laneOf(w.renter, w.provider, w.number).cap != lane.cap) strayKeyWorked = true;
            } catch {}
        } else {
            ILedger.V memory v = voucher(key, w.renter, w.provider, w.number, lane.cap);
            try ledger.redeem(w.provider, one(v)) returns (uint256 sum) {
                if (sum != 0) strayKeyWorked = true;
            } catch {}
        }
    }

    function setSigner(uint256 who, uint96 allowance, uint32 time) external {
        who %= 2;
        allowance = uint96(bound(allowance, 0, 2 ether)); // small, so that it is reached
        if (allowance > highestAllowance[who]) highestAllowance[who] = allowance;
        setSigner(renters[who], vm.addr(sessions[who]), allowance, now_() + uint40(time % 10 days));
    }

    function revoke(uint256 who) external {
        setSigner(renters[who % 2], vm.addr(sessions[who % 2]), 0, 0);
    }

    function startRelease(uint256 i) external {
        i %= ways.length;
        Way memory w = ways[i];
        startRelease(w.renter, w.provider, w.number);
        releaseDue[i] = now_() + DELAY;
    }

    function release(uint256 i) public {
        i %= ways.length;
        Way memory w = ways[i];
        try ledger.release(w.renter, one(w.provider, w.number)) {
            releaseDue[i] = 0;
            ++ends[i];
        } catch {}
    }

    /// @dev A release that was let lapse is tried again, over a voucher that was accepted since.
    function useLapsedRelease(uint256 i, uint96 more) external {
        i %= ways.length;
        uint40 due = releaseDue[i];
        if (due == 0) return;
        if (now_() <= due + WINDOW) pass(due + WINDOW + 1 - now_());
        signVoucher(i, more - more % 2, false);
        release(i);
    }

    function requestExit(uint256 who, uint96 amount) external {
        vm.prank(renters[who % 2]);
        ledger.requestExit(uint96(bound(amount, 0, 30 ether)));
    }

    function exit(uint256 who) external {
        address account = renters[who % 2];
        uint256 before = token.balanceOf(account);
        uint256 free = put - taken - lockedAndEarned() - depositOf(renters[1 - who % 2]);
        vm.prank(account);
        try ledger.exit(account) {
            uint256 got = token.balanceOf(account) - before;
            if (got > free) exitedPastCap = true;
            taken += got;
        } catch {}
    }

    // ---- what providers do ----

    /// @dev The renter signs a voucher; the provider accepts it if its rule says that it is safe.
    function signVoucher(uint256 i, uint96 more, bool bySession) public {
        i %= ways.length;
        Way memory w = ways[i];
        uint256 key = bySession && w.session != 0 ? w.session : w.account;
        ILedger.Lane memory lane = laneOf(w.renter, w.provider, w.number);
        // Every other one within the cap, so that it can be accepted; the others may exceed it.
        uint96 cumulative = lane.paid + uint96(bound(more, 0, more % 2 == 0 ? lane.cap - lane.paid : 3 ether));
        ILedger.V memory v = voucher(key, w.renter, w.provider, w.number, cumulative);
        if (cumulative > highestSigned[i]) highestSigned[i] = cumulative;
        vouchers.push(Accepted(i, now_(), v));
        bool running = lane.releaseAt != 0 && now_() <= lane.releaseAt + WINDOW;
        bool valid = ledger.signerUntil(w.renter, vm.addr(key)) >= now_() + DELAY;
        if (cumulative <= lane.cap && !running && valid) accepted.push(Accepted(i, now_(), v));
    }

    function redeem(uint256 n) external {
        if (vouchers.length == 0) return;
        Accepted memory a = vouchers[n % vouchers.length];
        Way memory w = ways[a.way];
        uint96 before = earnedOf(w.provider);
        try ledger.redeem(w.provider, one(a.voucher)) {
            credited[a.way] += earnedOf(w.provider) - before;
        } catch {} // too late for a session key that has ended
    }

    function waive(uint256 i) external {
        i %= ways.length;
        Way memory w = ways[i];
        vm.prank(w.provider);
        ledger.waive(one(w.renter, w.number));
        releaseDue[i] = 0;
        ++ends[i];
        // The provider gave up its own guarantee.
        for (uint256 n = accepted.length; n > 0; --n) {
            if (accepted[n - 1].way == i) {
                accepted[n - 1] = accepted[accepted.length - 1];
                accepted.pop();
            }
        }
    }

    function withdraw(uint256 who, uint96 amount) external {
        address account = providers[who % 2];
        uint96 earned = earnedOf(account);
        amount = uint96(bound(amount, 0, earned));
        vm.prank(account);
        ledger.withdrawEarned(amount);
        taken += amount;
    }

    function wait_(uint32 time) external {
        pass(time % 3 == 0 ? bound(time, 1, 3 days) : bound(time, 1, 4 hours));
    }

    // ---- what the invariants ask ----

    function wayCount() external view returns (uint256) {
        return ways.length;
    }

    function acceptedCount() external view returns (uint256) {
        return accepted.length;
    }

    function acceptedAt(uint256 n) external view returns (Accepted memory) {
        return accepted[n];
    }

    function sessionKey(uint256 who) external view returns (address) {
        return vm.addr(sessions[who]);
    }

    function lockedAndEarned() public view returns (uint256 sum) {
        for (uint256 i; i < ways.length; ++i) {
            ILedger.Lane memory lane = laneOf(ways[i].renter, ways[i].provider, ways[i].number);
            sum += lane.cap - lane.paid;
        }
        sum += earnedOf(providers[0]) + earnedOf(providers[1]);
    }

    // ---- inside ----

    /// @dev A cap that the deposit pays for.
    function _cap(uint256 i, uint96 cap) private view returns (uint96) {
        Way memory w = ways[i];
        uint96 deposit_ = depositOf(w.renter);
        return
            laneOf(w.renter, w.provider, w.number).cap + uint96(bound(cap, 0, deposit_ < 3 ether ? deposit_ : 3 ether));
    }

    function _index(address renter_) private view returns (uint256) {
        return renter_ == renters[0] ? 0 : 1;
    }

    function _signedBySession(uint256 at, Way memory w) private view returns (bool) {
        if (w.session == 0) return false;
        ILedger.SignedRes memory x = reserves[at];
        bytes32 digest = ledger.reserveDigest(x.renter, x.provider, x.lane, x.epoch, x.cap, x.validUntil);
        bytes32 s = x.vs & bytes32(uint256(type(int256).max));
        return ecrecover(digest, uint8(uint256(x.vs) >> 255) + 27, x.r, s) == vm.addr(w.session);
    }
}
