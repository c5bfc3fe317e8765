// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";
import {HookToken} from "../support/Tokens.sol";

contract ExitTest is Base {
    address private constant HOME = address(0x403E);

    function setUp() public override {
        super.setUp();
        deposit(renter, 1000);
        deposit(renter2, 1000);
    }

    function requestExit(uint96 amount) private {
        vm.prank(renter);
        ledger.requestExit(amount);
    }

    function exit() private {
        vm.prank(renter);
        ledger.exit(HOME);
    }

    function test_RequestExit_ItMaturesAfterTheDelay() external {
        vm.expectEmit(address(ledger));
        emit ILedger.ExitRequested(renter, 400, START + DELAY);
        requestExit(400);
        (,, uint40 exitAt,) = ledger.accounts(renter);
        vm.assertEq(exitAt, START + DELAY, "exitAt");
        vm.assertEq(ledger.exitAmount(renter), 400, "amount");
    }

    function test_GivenAnEarlierOne_ItReplacesIt() external {
        requestExit(1);
        pass(DELAY);
        requestExit(1000);
        vm.expectRevert(
            abi.encodeWithSelector(ILedger.NotExitable.selector, renter, now_() + DELAY, now_() + DELAY + WINDOW)
        );
        exit();
    }

    function test_WhenTheAmountIsZero_ItIsTakenBack() external {
        requestExit(400);
        requestExit(0);
        pass(DELAY);
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotExitable.selector, renter, 0, 0));
        exit();
    }

    function test_RevertGiven_NotAskedForOrNotMatureOrOver() external {
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotExitable.selector, renter, 0, 0));
        exit();
        requestExit(400);
        bytes memory error =
            abi.encodeWithSelector(ILedger.NotExitable.selector, renter, START + DELAY, START + DELAY + WINDOW);
        pass(DELAY - 1);
        vm.expectRevert(error);
        exit();
        pass(WINDOW + 2);
        vm.expectRevert(error);
        exit();
    }

    function test_RevertWhen_TheRecipientIsZero() external {
        requestExit(400);
        pass(DELAY);
        vm.expectRevert(ILedger.ZeroAddress.selector);
        vm.prank(renter);
        ledger.exit(address(0));
    }

    function test_GivenItIsMature_ItPaysOnce() external {
        requestExit(400);
        pass(DELAY + WINDOW); // the last second
        vm.expectEmit(address(ledger));
        emit ILedger.Exited(renter, HOME, 400);
        exit();
        vm.assertEq(token.balanceOf(HOME), 400, "paid");
        vm.assertEq(depositOf(renter), 600, "deposit");
        vm.expectRevert(abi.encodeWithSelector(ILedger.NotExitable.selector, renter, 0, 0));
        exit();
    }

    function test_GivenLessDepositIsLeft_ItPaysWhatIsLeft() external {
        requestExit(1000);
        reserve(renter, provider, LANE, 700);
        pass(DELAY);
        exit();
        vm.assertEq(token.balanceOf(HOME), 300, "paid");
        vm.assertEq(laneOf(renter, provider, LANE).cap, 700, "cap");
        vm.assertEq(redeem(RENTER, renter, provider, LANE, 700), 700, "the booked cap is still good");
    }

    function test_GivenEverythingIsBooked_ItPaysNothing() external {
        requestExit(1000);
        reserve(renter, provider, LANE, 1000);
        pass(DELAY);
        exit();
        vm.assertEq(token.balanceOf(HOME), 0, "paid");
    }

    function test_WhenTheTokenCallsBack_ItPaysOnce() external {
        HookToken hook = new HookToken(address(this), FUNDS);
        ledger = ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(hook, DELAY)));
        hook.approve(address(ledger), FUNDS);
        ledger.deposit(address(this), 100);
        ledger.deposit(renter2, 100);
        ledger.requestExit(100);
        pass(DELAY);
        hook.arm(address(this), abi.encodeCall(this.again, ()));
        ledger.exit(HOME);
        vm.assertTrue(hook.failed(), "the inner exit went through");
        vm.assertEq(hook.balanceOf(HOME), 100, "paid");
    }

    function again() external {
        ledger.exit(HOME);
    }
}
